//! The protocol between a PC and a device: every message there and back, noise, and the bytes that docs/protocol.md shows.

use elman_messages::{
    Answer, BufferSizes, Event, Example, Failure, Hello, Kept, NO_EVENT, Outcome, Part, Receiver, Rejection, Reply,
    Request, Scan, Slot, Status, Task, Transfer, VERSION, encode, parse,
};

/// Numbers by chance, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// Small numbers, large ones and the largest.
    fn number(&mut self) -> u32 {
        let x = self.next();
        match x % 4 {
            0 => x >> 24,
            1 => u32::MAX,
            _ => self.next() >> (x >> 27),
        }
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        // Zeros are frequent, as in small numbers of 16 bits, and so are runs without any, which COBS cuts.
        let zeros = self.next() % 3;
        let length = self.next() as usize % (most + 1);
        (0..length)
            .map(|_| if zeros > 0 && self.next().is_multiple_of(1 << zeros) { 0 } else { self.next() as u8 | 1 })
            .collect()
    }

    fn failure(&mut self) -> Failure {
        let (required, provided) = (self.number(), self.number());
        match self.next() % 13 {
            8 => Failure::NotLinked,
            9 => Failure::NoModel,
            10 => Failure::Flash,
            11 => Failure::Slots(Rejection::Counter { offered: required, highest: provided }),
            12 => Failure::Slots(Rejection::Key(seed_of(required))),
            0 => Failure::Unreadable,
            1 => Failure::NotStarted,
            2 => Failure::WrongTask,
            3 => Failure::WrongModel,
            4 => Failure::Memory { required, provided },
            5 => Failure::Nodes { required, provided },
            6 => Failure::Length { required, provided },
            _ => Failure::Rejected,
        }
    }

    fn outcome(&mut self) -> Outcome {
        let ticks = self.number();
        match self.next() % 8 {
            7 => Outcome::Slots(self.status()),
            0 => Outcome::Done,
            1 => Outcome::Step { ticks },
            2 => Outcome::Outputs { ticks },
            3 => Outcome::Written { ticks, symbols: self.number(), log2_p: self.number() as i32 },
            4 => Outcome::Symbol { ticks, symbol: self.number() as u16 },
            5 => Outcome::Frame {
                ticks,
                parts: [0; 3].map(|_: u8| self.number()),
                checksum: self.number(),
                event: Event { class: self.number() as u16, step: self.number(), score: self.number() as u16 },
            },
            _ => Outcome::Features { stages: [0; 5].map(|_: u8| self.number()) },
        }
    }

    fn status(&mut self) -> Status {
        let kept = Kept {
            slot: if self.next().is_multiple_of(2) { Slot::A } else { Slot::B },
            counter: self.number(),
            length: self.number(),
            key: seed_of(self.number()),
            confirmed: self.next().is_multiple_of(2),
        };
        Status {
            signed: self.next().is_multiple_of(2),
            running: (!self.next().is_multiple_of(4)).then_some(kept),
            room: self.number(),
            highest: self.number(),
            receiving: self.next().is_multiple_of(2).then_some((self.number(), self.number())),
        }
    }

    fn reply<'a>(&mut self, bytes: &'a [u8]) -> Reply<'a> {
        match self.next() % 5 {
            0 => Reply::Hello(Hello {
                version: self.number() as u16,
                schema: u64::from(self.number()) << 32 | u64::from(self.number()),
                crc: self.number(),
                snapshot_words: self.number(),
                empty_ticks: self.number(),
                load_ticks: self.number(),
                sizes: BufferSizes { frame: self.number(), words: self.number(), nodes: self.number() },
            }),
            1 => Reply::Again,
            2 => Reply::Failure(self.failure()),
            3 => Reply::Answer(Answer { outcome: self.outcome(), length: self.number(), bytes }),
            _ => Reply::Bytes(bytes),
        }
    }

    fn request<'a>(&mut self, bytes: &'a [u8]) -> Request<'a> {
        let seed = u64::from(self.number()) << 32 | u64::from(self.number());
        let task = match self.next() % 5 {
            0 => Task::Stream,
            1 => Task::Examples,
            2 => Task::Text { seed, temperature: self.number() as u16, top_k: self.number() as u16 },
            3 => Task::Listen,
            _ => Task::FrontEnd,
        };
        let part = [Part::Frames, Part::Nodes, Part::Features, Part::Degrees, Part::Neighbours];
        let offset = self.number();
        match self.next() % 16 {
            11 => Request::Slots(Transfer::Status),
            12 => Request::Slots(Transfer::Begin(bytes)),
            13 => Request::Slots(Transfer::Block { offset, bytes }),
            14 => Request::Slots(Transfer::Finish),
            15 => Request::Slots(Transfer::Restart),
            0 => Request::Hello,
            1 => Request::Start(task),
            2 => Request::Reset,
            3 => Request::Step(bytes),
            4 => Request::Samples(bytes),
            5 => Request::Prompt(bytes),
            6 => Request::Draw,
            7 => Request::Example(Example { frames: self.number(), nodes: self.number(), edges: self.number() }),
            8 => Request::Append { part: part[self.next() as usize % part.len()], numbers: bytes },
            9 => Request::Run,
            _ => Request::Read { offset: self.number() },
        }
    }
}

/// A key id.
fn seed_of(x: u32) -> [u8; 8] {
    (u64::from(x) * 0x0101).to_le_bytes()
}

/// The contents of the frames in a stream of bytes that comes in pieces; `None` for one that is damaged.
fn receive(line: &[u8], buffer: usize, piece: usize) -> Vec<Option<Vec<u8>>> {
    let mut memory = vec![0; buffer];
    let (mut receiver, mut found) = (Receiver::new(&mut memory), Vec::new());
    let mut rest = line;
    loop {
        match receiver.scan() {
            Scan::Frame => found.push(Some(receiver.content().to_vec())),
            Scan::Damaged => found.push(None),
            Scan::More => {
                let mut now = &rest[..piece.min(rest.len())];
                let count = receiver.fill(&mut now).unwrap();
                if count == 0 {
                    return found;
                }
                rest = &rest[count..];
            }
        }
    }
}

#[test]
fn every_message_comes_back() {
    let mut random = Random(1);
    let sizes = BufferSizes { frame: 1100, ..BufferSizes::LARGE };
    let mut frame = vec![0; sizes.frame as usize];
    for _ in 0..20_000 {
        let bytes = random.bytes(sizes.payload());
        let (sequence, piece) = (random.number(), 1 + random.next() as usize % 300);
        let request = random.request(&bytes);
        let sent = encode(sequence, &request, &mut frame).unwrap();
        // Between the first and the last there is no zero.
        assert!(sent.starts_with(&[0]) && sent.ends_with(&[0]) && !sent[1..sent.len() - 1].contains(&0));
        let came = receive(sent, 1100, piece);
        assert_eq!(came.len(), 1);
        assert_eq!(parse(came[0].as_ref().unwrap()), Ok((sequence, request)));
        let reply = random.reply(&bytes);
        let came = receive(encode(sequence, &reply, &mut frame).unwrap(), 1100, piece);
        assert_eq!(parse(came[0].as_ref().unwrap()), Ok((sequence, reply)));
        if let Reply::Hello(hello) = reply {
            assert_eq!(Hello::peek(came[0].as_ref().unwrap()), Some((hello.version, hello.schema)));
        }
    }
}

/// The largest head of any message, and bytes that COBS stretches the most, fit into a frame with a full payload.
#[test]
fn a_full_payload_fits_into_a_frame() {
    for frame in [100, 254, 255, 400, 1100, 4096, 16 * 1024] {
        let sizes = BufferSizes { frame, ..BufferSizes::LARGE };
        let bytes = vec![1; sizes.payload()];
        let event = Event { class: u16::MAX, step: u32::MAX, score: u16::MAX };
        let outcome = Outcome::Frame { ticks: u32::MAX, parts: [u32::MAX; 3], checksum: u32::MAX, event };
        let reply = Reply::Answer(Answer { outcome, length: u32::MAX, bytes: &bytes });
        let mut buffer = vec![0; frame as usize];
        encode(u32::MAX, &reply, &mut buffer).unwrap();
        encode(u32::MAX, &Request::Append { part: Part::Neighbours, numbers: &bytes }, &mut buffer).unwrap();
        let block = Transfer::Block { offset: u32::MAX, bytes: &bytes };
        encode(u32::MAX, &Request::Slots(block), &mut buffer).unwrap();
    }
    assert!(encode(0, &Request::Hello, &mut [0; 7]).is_err());
}

/// Boot messages before, lines of a log between, and half a frame of a device that was restarted.
#[test]
fn text_between_frames_is_skipped() {
    let mut frame = [0; 64];
    let mut line = b"\r\nBooting v1.2 (reset: watchdog)...\r\nready\r\n".to_vec();
    for k in 0..5 {
        line.extend(encode(k, &Request::Read { offset: k << 20 }, &mut frame).unwrap());
        line.extend(b"[warn] 3.1 V\r\n");
        let half = encode(99, &Request::Run, &mut frame).unwrap();
        line.extend(&half[..half.len() / 2]);
    }
    for piece in [1, 7, 1000] {
        let came = receive(&line, 64, piece);
        let whole: Vec<_> = came.iter().flatten().map(|content| parse(content).unwrap()).collect();
        assert_eq!(whole, (0..5).map(|k| (k, Request::Read { offset: k << 20 })).collect::<Vec<_>>());
    }
}

/// A line that never says zero is held in the buffer that there is, and the next frame is found.
#[test]
fn a_chattering_line_does_not_fill_memory() {
    let mut line: Vec<u8> = (0..1_000_000u32).map(|k| (k % 255 + 1) as u8).collect();
    let mut frame = [0; 64];
    line.extend(encode(5, &Request::Draw, &mut frame).unwrap());
    let came: Vec<_> = receive(&line, 64, 50).into_iter().flatten().collect();
    assert_eq!(came.len(), 1);
    assert_eq!(parse(&came[0]), Ok((5, Request::Draw)));
    // Longer than the buffer by one byte, and exactly as long.
    let numbers = vec![7; 300];
    let mut large = [0; 400];
    let long = encode(6, &Request::Step(&numbers), &mut large).unwrap().to_vec();
    let decoded = 1 + 1 + 2 + 300 + 4;
    assert_eq!(receive(&long, decoded, 9), []);
    assert_eq!(receive(&long, decoded + 1, 9).len(), 1);
}

#[test]
fn flipped_bits_are_noticed() {
    let mut frame = [0; 256];
    let numbers: Vec<u8> = (0..100u8).map(|k| k.wrapping_mul(3)).collect();
    let sent = encode(7, &Request::Step(&numbers), &mut frame).unwrap().to_vec();
    let next = encode(8, &Request::Run, &mut [0; 32]).unwrap().to_vec();
    let mut damaged = 0;
    for bit in 0..sent.len() * 8 {
        let mut line = sent.clone();
        line[bit / 8] ^= 1 << (bit % 8);
        line.extend(&next);
        let came = receive(&line, 256, 64);
        let whole: Vec<_> = came.iter().flatten().map(|content| parse::<Request<'_>>(content).unwrap()).collect();
        // A zero in front or at the end may be lost: the other frame's zero does for it.
        let spared = bit < 8 || bit >= sent.len() * 8 - 8;
        assert!(whole.ends_with(&[(8, Request::Run)]) && (whole.len() == 1 || spared), "bit {bit}: {whole:?}");
        damaged += came.iter().filter(|c| c.is_none()).count();
    }
    // Most are asked for again at once, the others after a time without an answer.
    assert!(damaged > sent.len() * 8 * 9 / 10, "{damaged} of {}", sent.len() * 8);
}

/// Noise by chance: no panic, nothing beyond the buffer, no message.
#[test]
fn noise_is_no_message() {
    let mut random = Random(3);
    for _ in 0..3000 {
        let (length, piece) = (random.next() as usize % 2000, 1 + random.next() as usize % 90);
        let noise: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        let buffer = random.next() as usize % 80;
        let first = receive(&noise, buffer, piece).into_iter().flatten().next();
        assert!(first.is_none(), "a frame in noise: {first:?}");
        // What a frame may hold whose CRC is right.
        let _ = parse::<Request<'_>>(&noise);
        let _ = parse::<Reply<'_>>(&noise);
        let _ = Hello::peek(&noise);
    }
    // A message cut short or longer than it says.
    let mut frame = [0; 128];
    let reply = random.reply(&[1, 2, 3]);
    let content = receive(encode(1, &reply, &mut frame).unwrap(), 128, 128).remove(0).unwrap();
    for length in 0..content.len() {
        assert!(parse::<Reply<'_>>(&content[..length]).is_err());
    }
    assert!(parse::<Reply<'_>>(&[&content[..], &[0]].concat()).is_err());
}

/// The examples of docs/protocol.md, and the version: whoever changes the bytes changes the page, on purpose.
#[test]
fn the_bytes_of_the_documentation() {
    let frames: [(&str, Vec<u8>); 4] = [
        ("hello", encode(0, &Request::Hello, &mut [0; 32]).unwrap().to_vec()),
        ("start", encode(1, &Request::Start(Task::Stream), &mut [0; 32]).unwrap().to_vec()),
        ("step", encode(2, &Request::Step(&[1, 0, 255, 255]), &mut [0; 32]).unwrap().to_vec()),
        (
            "symbol",
            encode(
                3,
                &Reply::Answer(Answer { outcome: Outcome::Symbol { ticks: 1000, symbol: 7 }, length: 0, bytes: &[] }),
                &mut [0; 32],
            )
            .unwrap()
            .to_vec(),
        ),
    ];
    let page = include_str!("../docs/protocol.md");
    let mut wanted: Vec<String> = frames
        .iter()
        .map(|(name, bytes)| {
            let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
            format!("| {name} | `{}` |", hex.join(" "))
        })
        .collect();
    wanted.push(format!("This is\nversion {VERSION}."));
    let missing: Vec<String> = wanted.into_iter().filter(|line| !page.contains(line)).collect();
    assert!(missing.is_empty(), "not in docs/protocol.md:\n{}", missing.join("\n"));
    assert_eq!(NO_EVENT.class, u16::MAX);
}
