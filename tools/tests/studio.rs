//! `elman studio` from end to end: it trains, checks and flashes by commands of its own, and loses nothing when it is killed.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use elman_data::wav_bytes;
use serde_json::{Value, json};

const ELMAN: &str = env!("CARGO_BIN_EXE_elman");

/// A running `elman studio`; it is killed where a test ends early.
struct Studio {
    child: Child,
    port: u16,
    token: String,
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Studio {
    fn open(folder: &Path) -> Studio {
        let mut command = Command::new(ELMAN);
        command.arg("studio").arg(folder).args(["--no-open", "--json"]);
        let firmware = folder.join("firmware");
        if firmware.exists() {
            command.arg("--firmware").arg(firmware);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address: Value = serde_json::from_str(&line).unwrap();
        let address = address["address"].as_str().unwrap();
        let (host, token) = address.split_once("/?token=").unwrap();
        let port = host.rsplit(':').next().unwrap().parse().unwrap();
        Studio { child, port, token: token.to_owned() }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let Studio { port, token, .. } = self;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\nx-elman-token: {token}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let status = String::from_utf8_lossy(&bytes[..end]).split(' ').nth(1).unwrap().parse().unwrap();
        (status, bytes.split_off(end + 4))
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, bytes) = self.ask(method, path, &text);
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    fn get(&self, path: &str) -> Value {
        self.json("GET", path, &Value::Null)
    }

    /// Waits until a run is as it should be.
    fn until(&self, run: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let (_, bytes) = self.ask("GET", &format!("/api/runs/{run}"), "");
            let shown: Value = serde_json::from_slice(&bytes).unwrap();
            if wanted(&shown) {
                return shown;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{shown}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Two kinds of tones in noise: a word each.
fn clips(folder: &Path, each: usize) {
    for (word, pitch) in [("high", 0.5), ("low", 0.06)] {
        let to = folder.join("clips").join(word);
        std::fs::create_dir_all(&to).unwrap();
        for n in 0..each {
            let mut state = 7 * n as u32 + 1;
            let mut noise = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state >> 16) / 65_536.0 - 0.5
            };
            let tone = |i: usize| {
                if (2000..9000).contains(&i) { (i as f64 * pitch * (1.0 + 0.01 * n as f64)).sin() } else { 0.0 }
            };
            let samples: Vec<i16> = (0..12_000).map(|i| (6000.0 * tone(i) + 300.0 * noise()) as i16).collect();
            std::fs::write(to.join(format!("speaker{n}_nohash_0.wav")), wav_bytes(&samples, 16_000)).unwrap();
        }
    }
}

/// Firmware for the Pico that is only a description of itself.
fn firmware(folder: &Path) {
    let info = elman_slots::Info { slots_at: 0x1018_0000, slot_bytes: 256 << 10, words: 40_000, clock: 125_000_000 };
    std::fs::create_dir_all(folder.join("firmware")).unwrap();
    // Bytes of a second boot stage, all 0, and their CRC-32.
    let mut bytes = vec![0; 252];
    bytes.extend(0x7065_399a_u32.to_le_bytes());
    bytes.extend(info.block("pico", "c0ffee"));
    std::fs::write(folder.join("firmware/pico.bin"), bytes).unwrap();
}

#[test]
fn from_clips_to_answers_an_operating_point_and_a_blob() {
    let dir = tempfile::tempdir().unwrap();
    clips(dir.path(), 12);
    firmware(dir.path());
    let studio = Studio::open(dir.path());
    let set = json!({ "train.epochs": 3, "network.layers": [{ "layer": "cell", "variant": "gru", "units": 8 }] });
    let start = json!({ "name": "ear", "preset": "listen-quick", "set": set, "then": ["quantize", "eval"] });
    let since = studio.get("/api/project")["events"].as_u64().unwrap();
    let job = studio.json("POST", "/api/runs", &start);
    assert_eq!((&job["kind"], &job["run"]), (&json!("train"), &json!("ear")));
    assert_eq!(studio.ask("POST", "/api/runs", &start.to_string()).0, 409);
    let run = studio.until("ear", |run| run["state"] == "ready" && run["evaluated"] == true && run["job"].is_null());
    assert_eq!((&run["done"], &run["labels"]), (&json!(3), &json!(["high", "low", "unknown", "silence"])));
    let kinds: Vec<String> = studio.get(&format!("/api/changes?since={since}"))["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "epoch")
        .map(|event| event["data"]["epoch"]["epoch"].to_string())
        .collect();
    assert_eq!(kinds, ["1", "2", "3"]);
    // What the command line wrote is what it would have written.
    let folder = dir.path().join("runs/ear");
    let recipe = std::fs::read_to_string(folder.join("recipe.toml")).unwrap();
    assert!(recipe.contains("name = \"ear\"") && recipe.contains("epochs = 3"), "{recipe}");

    let judged = studio.get("/api/runs/ear/judge");
    assert!(judged["stale"] == false && !judged["layers"].as_array().unwrap().is_empty());
    let features = studio.get("/api/clip/features?class=high&name=speaker0_nohash_0.wav&run=ear");
    let track = studio.get("/api/clip/track?class=high&name=speaker0_nohash_0.wav&run=ear");
    assert_eq!(features["features"], track["features"]);
    let probabilities = track["probabilities"].as_array().unwrap();
    assert_eq!(probabilities.len() as u64, track["frames"].as_u64().unwrap() * 4);

    assert_eq!(studio.ask("GET", "/api/runs/ear/tradeoff", "").0, 404);
    studio.json("POST", "/api/runs/ear/tradeoff", &json!({ "hours": 0.1, "per_hour": 600.0 }));
    studio.until("ear", |run| run["job"].is_null());
    let curve = studio.get("/api/runs/ear/tradeoff");
    assert!(curve["curve"].as_array().unwrap().len() > 1 && curve["point"].is_null(), "{curve}");
    let point = studio.json("POST", "/api/runs/ear/point", &json!({ "max_false_accepts_per_hour": 20.0 }));
    let [low, high] = [0, 1].map(|k| point["interval"][k].as_f64().unwrap());
    let rate = point["false_accepts_per_hour"].as_f64().unwrap();
    assert!(low <= rate && rate <= high && rate <= 20.0, "{point}");
    assert_eq!(studio.get("/api/runs/ear/tradeoff")["point"]["false_accepts"], point["false_accepts"]);
    // The point is in the blob that is taken away.
    let (status, blob) = studio.ask("GET", "/api/runs/ear/download?board=blob", "");
    assert_eq!((status, &blob), (200, &std::fs::read(folder.join("model.elman")).unwrap()));
    let thresholds = studio.get("/api/clip/track?class=high&name=speaker0_nohash_0.wav&run=ear")["thresholds"].clone();
    assert_eq!(thresholds.as_array().unwrap().len(), 4);
    let (status, wav) = studio.ask("GET", "/api/runs/ear/moment?track=0&from_s=10&to_s=11", "");
    assert_eq!((status, wav.len()), (200, 44 + 2 * 16_000));
    let hard = json!({ "track": 0, "from_s": 10.0, "to_s": 11.0, "class": "unknown" });
    assert_eq!(studio.json("POST", "/api/runs/ear/hard", &hard)["name"], "hard_nohash_0.wav");
    assert_eq!(std::fs::read(dir.path().join("clips/unknown/hard_nohash_0.wav")).unwrap(), wav);

    let device = studio.get("/api/runs/ear/device");
    assert_eq!(device["inspect"]["name"], "ear");
    let boards = device["boards"].as_array().unwrap();
    let pico = boards.iter().find(|board| board["name"] == "pico").unwrap();
    assert!(pico["fits"] == true && pico["flash_room"] == 261_888 && pico["ram_room"] == 160_000, "{pico}");
    let others = boards.iter().filter(|board| board["name"] != "pico");
    assert!(
        others.clone().count() == 5
            && others.clone().all(|board| board["fits"] == false && board["reason"].is_string())
    );
    // The file is what the command line makes, with the model in the layout of the board's core.
    let (status, file) = studio.ask("GET", "/api/runs/ear/download?board=pico", "");
    assert!(status == 200 && file.starts_with(b"UF2\n"));
    let args = ["flash", "runs/ear", "--board", "pico", "--firmware", "firmware", "--out", "by-hand.uf2"];
    assert!(Command::new(ELMAN).current_dir(dir.path()).args(args).stdout(Stdio::null()).status().unwrap().success());
    assert_eq!(std::fs::read(dir.path().join("by-hand.uf2")).unwrap(), file);
    assert_eq!(studio.ask("GET", "/api/runs/ear/download?board=pico-2", "").0, 422);
    studio.json("DELETE", "/api/runs/ear", &Value::Null);
    assert!(!folder.exists());
    studio.json("POST", "/api/undo", &json!({}));
    assert!(folder.join("model.elman").exists());
}

#[test]
fn a_run_is_paused_resumed_and_outlives_the_server() {
    let dir = tempfile::tempdir().unwrap();
    clips(dir.path(), 12);
    let start = |name: &str| {
        let set = json!({ "train.epochs": 4000, "train.batch": 8 });
        json!({ "name": name, "preset": "quick", "set": set, "then": [] })
    };
    let studio = Studio::open(dir.path());
    studio.json("POST", "/api/runs", &start("long"));
    studio.until("long", |run| run["state"] == "training" && run["done"].as_u64() > Some(1));
    // Another one waits for its turn, and can be given up before.
    let second = studio.json("POST", "/api/runs", &start("second"));
    assert_eq!(second["state"], "waiting");
    studio.json("POST", &format!("/api/jobs/{}/cancel", second["id"]), &Value::Null);
    assert_eq!(studio.json("POST", "/api/runs/long/pause", &Value::Null)["state"], "paused");
    let paused = studio.until("long", |run| run["state"] == "paused");
    assert!(!dir.path().join("runs/second").exists());
    studio.json("POST", "/api/runs/long/resume", &Value::Null);
    studio.until("long", |run| run["state"] == "training" && run["done"].as_u64() > paused["done"].as_u64());

    // A server that is killed leaves its training alone; the next one sees it, as any run of the command line.
    drop(studio);
    let studio = Studio::open(dir.path());
    studio.until("long", |run| run["outside"] == true && run["state"] == "training");
    assert_eq!(studio.ask("DELETE", "/api/runs/long", "").0, 409);
    assert_eq!(studio.json("POST", "/api/runs/long/pause", &Value::Null)["state"], "paused");
    // Ctrl-C at the server pauses what it trains.
    studio.json("POST", "/api/runs/long/resume", &Value::Null);
    let done = studio.until("long", |run| run["state"] == "training" && run["job"].is_number())["done"].clone();
    let mut studio = studio;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(studio.child.id() as i32), nix::sys::signal::Signal::SIGTERM)
        .unwrap();
    assert!(studio.child.wait().unwrap().success());
    drop(studio);
    let studio = Studio::open(dir.path());
    let run = studio.until("long", |run| run["state"] == "paused" && run["outside"] == false);
    assert!(run["done"].as_u64() >= done.as_u64());
    // Stopped, its best network so far is the result.
    studio.json("POST", "/api/runs/long/stop", &Value::Null);
    studio.until("long", |run| run["state"] == "ready" && run["evaluated"] == true);
}

#[test]
fn what_goes_wrong_is_said_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Studio::open(dir.path());
    let ask = |path: &str, body: Value| {
        let (status, bytes) = studio.ask("POST", path, &body.to_string());
        (status, serde_json::from_slice::<Value>(&bytes).unwrap())
    };
    let (status, answer) = ask("/api/runs", json!({ "name": "x", "preset": "quick" }));
    assert_eq!((status, &answer["reason"]), (409, &json!("no-data")));
    clips(dir.path(), 4);
    let (status, answer) = ask("/api/runs", json!({ "name": "x", "preset": "quick", "set": { "train.epoch": 1 } }));
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("did you mean"), "{answer}");
    let (status, _) = ask("/api/runs", json!({ "name": "../x", "preset": "quick" }));
    assert_eq!(status, 400);
    std::fs::write(dir.path().join("clips/low/broken.wav"), b"RIFF").unwrap();
    let (_, job) = ask("/api/runs", json!({ "name": "x", "preset": "quick" }));
    let begun = Instant::now();
    let failed = loop {
        let job = studio.get(&format!("/api/jobs/{}", job["id"]));
        if job["state"] == "failed" {
            break job;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{job}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(failed["error"].as_str().unwrap().contains("broken.wav"), "{failed}");
    let next = studio.get(&format!("/api/jobs/{}", job["id"].as_u64().unwrap() + 1));
    assert_eq!((&next["kind"], &next["state"]), (&json!("quantize"), &json!("cancelled")));
}

#[test]
fn readings_are_trained_on_from_folders_of_tables() {
    let dir = tempfile::tempdir().unwrap();
    for (label, speed) in [("fast", 0.9), ("slow", 0.2)] {
        let to = dir.path().join("tables").join(label);
        std::fs::create_dir_all(&to).unwrap();
        for n in 0..12 {
            let row =
                |t: usize| format!("{:.3},{:.3}\n", (t as f64 * speed + n as f64).sin(), (t as f64 * speed).cos());
            std::fs::write(to.join(format!("{n}.csv")), "x,y\n".to_owned() + &(0..30).map(row).collect::<String>())
                .unwrap();
        }
    }
    let studio = Studio::open(dir.path());
    let start = json!({ "name": "moves", "preset": "readings", "set": { "train.epochs": 8 } });
    studio.json("POST", "/api/runs", &start);
    let run = studio.until("moves", |run| run["state"] == "ready" && run["evaluated"] == true);
    assert_eq!((&run["labels"], &run["sound"]), (&json!(["fast", "slow"]), &json!(false)));
    let judged = studio.get("/api/runs/moves/judge");
    let first = &judged["answers"][0];
    let named =
        format!("/api/table?class={}&name={}", first["class"].as_str().unwrap(), first["name"].as_str().unwrap());
    assert_eq!(studio.get(&named)["rows"], 30);
}
