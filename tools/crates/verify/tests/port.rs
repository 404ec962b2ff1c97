//! `verify --port` and its like against firmware in QEMU, whose serial port is a pseudo terminal. Where QEMU or a toolchain for
//! the core is missing, the test says so and ends: CI has both.

use crate::board::Running;
use elman::Model;
use elman::audio::Config;
use elman::blob::Blob;
use elman::net::Temperature;
use elman_data::{ExampleStructure, GraphRows};
use elman_emulator::{Firmware, Machines, Qemu};
use elman_pipeline::{Answer, Example};
use elman_quant::synthetic::{self, Drive, graph, sound};
use elman_quant::words_of;
use elman_verify::{Device, Generation, Inputs, compare, compare_examples, generate, replay};

fn example(frames: Vec<i16>, joints: ExampleStructure) -> Example {
    Example { name: String::new(), frames, joints, answer: Answer::Class(0) }
}

#[test]
fn every_bit_over_a_pseudo_terminal() {
    let machines = Machines::find(None).unwrap();
    let machine = machines.get("m4").unwrap();
    let firmware =
        Qemu::find(machine).and_then(|_| Firmware::build(&machines, "m4", "serial", None, &["--features", "serial"]));
    let firmware = match firmware {
        Ok(firmware) => firmware,
        Err(e) => return eprintln!("not run: {e:#}"),
    };
    let on_board = |blob: &[u8], check: &dyn Fn(&Model<'_>, &mut dyn Device)| {
        let words = words_of(blob).unwrap();
        let board = Running::start(machine, &firmware, Some(blob));
        check(&Model::load(Blob::new(&words)).unwrap(), &mut board.port());
    };

    let blob = synthetic::model("lstm", 5, 9, 3, Drive::Ordinary, 8).to_blob().unwrap();
    on_board(&blob, &|model, board| {
        let examples = [1, 2].map(|seed| example(synthetic::frames(5, 60, seed), ExampleStructure::None));
        let report = compare_examples(board, model, &examples, None).unwrap();
        assert_eq!((report.steps, report.mismatches), (120, 0), "{:?}", report.first);
        assert!(report.instructions > 0.0 && report.load_instructions > 0.0);
        // A board with another model is recognised before a step is run.
        let other = synthetic::model("lstm", 5, 9, 3, Drive::Ordinary, 9).to_blob().unwrap();
        let words = words_of(&other).unwrap();
        let other = Model::load(Blob::new(&words)).unwrap();
        let error = compare(board, &other, &Inputs::of(&[])).unwrap_err().to_string();
        assert!(error.contains("another model"), "{error}");
    });

    let shape = graph::Shape { features: 2, ..graph::Shape::default() };
    on_board(&graph::model(shape, 3).to_blob().unwrap(), &|model, board| {
        let graph = graph::graph(20, 8, 3, 2, 1);
        let edges = graph.edges.iter().map(|x| f32::from(*x) / 32768.0).collect();
        let rows = GraphRows { offsets: graph.offsets, neighbours: graph.neighbours, edges };
        let report =
            compare_examples(board, model, &[example(graph.frames, ExampleStructure::Graph(rows))], None).unwrap();
        assert_eq!((report.steps, report.mismatches), (20, 0), "{:?}", report.first);
    });

    on_board(&synthetic::tree("lstm", "tree-lstm", 6, 1, [60; 2], 3).to_blob().unwrap(), &|model, board| {
        let frames = (0..16).map(|k| k * 7 % 13).collect();
        let tree = example(frames, ExampleStructure::Tree(synthetic::nodes(60, 16, 1)));
        let report = compare_examples(board, model, &[tree], None).unwrap();
        assert_eq!((report.steps, report.mismatches), (60, 0), "{:?}", report.first);
    });

    on_board(&synthetic::language(90, 8, 3).to_blob().unwrap(), &|model, board| {
        let prompt = vec![40, 0, 7];
        let generation = Generation { seed: 11, temperature: Temperature::from_num(0.9), top_k: 20, prompt, count: 50 };
        let report = generate(board, model, &generation).unwrap();
        assert_eq!((report.board.len(), report.mismatches), (50, 0));
    });

    on_board(&sound::listener(Config::HZ_8000, 6, 3, 5).to_blob().unwrap(), &|model, board| {
        let samples = sound::samples(8000, 9);
        let report = replay(board, model, &samples, 160).unwrap();
        assert_eq!((report.frames, report.mismatches), (Config::HZ_8000.frames(8000) as u64, 0), "{:?}", report.first);
        assert!(report.spent.front_end > 0.0 && report.spent.whole > report.spent.network);
    });
}
