//! The example machine, others by known results, and errors.

use super::*;

const LECTURE: &str = include_str!("../../../../machines/lecture.toml");

/// Busy beaver of three states and two symbols: from a blank tape it leaves six ones after 14 steps (Lin and Rado 1965).
const BEAVER: &str = r#"
name = "beaver"
symbols = ["0", "1"]
blank = "0"
start = "a"
cells = 9
head = 4
[rules.a]
0 = "1 R b"
1 = "1 H a"
[rules.b]
0 = "0 R c"
1 = "1 R b"
[rules.c]
0 = "1 L c"
1 = "1 L a"
"#;

/// Counts in binary, the lowest digit last, three symbols and a state that halts.
const COUNTER: &str = r#"
name = "counter"
symbols = ["_", "0", "1"]
blank = "_"
start = "end"
halt = ["stop"]
tape = ["_", "1", "0", "1", "1"]
cells = 7
head = 1
[rules.end]
0 = "0 R end"
1 = "1 R end"
_ = "_ L add"
[rules.add]
0 = "1 S stop"
1 = "0 L add"
_ = "1 S stop"
"#;

fn tape(machine: &Machine, configuration: &Configuration) -> String {
    configuration.tape.iter().map(|&s| machine.symbols[s].as_str()).collect()
}

fn run(text: &str) -> (String, usize, Simulation) {
    let machine = Machine::parse(text).unwrap();
    let simulation = simulate(&machine, 1000).unwrap();
    let last = simulation.configurations.last().unwrap();
    assert!(last.halted);
    (tape(&machine, last), simulation.configurations.len() - 1, simulation)
}

#[test]
fn the_lecture_adds() {
    let (tape, steps, simulation) = run(LECTURE);
    assert_eq!((tape.as_str(), steps, simulation.steps), ("11111000", 8, 17));
    let machine = Machine::parse(LECTURE).unwrap();
    let shown: Vec<String> = simulation.configurations.iter().map(|c| machine.show(c).to_string()).collect();
    assert_eq!(shown[0], "q1    [1] 1  0  1  1  1  0  0 ");
    assert_eq!(shown[3], "q2     1  1  1 [1] 1  1  0  0 ");
    assert_eq!(shown[8], "q3     1  1  1  1  1 [0] 0  0   halted");
}

#[test]
fn known_machines() {
    let (tape, steps, _) = run(BEAVER);
    assert_eq!((tape.matches('1').count(), steps), (6, 14));
    let (tape, _, simulation) = run(COUNTER);
    assert_eq!(tape, "_1100__");
    assert_eq!(simulation.configurations[0].tape, [0, 2, 1, 2, 2, 0, 0]);
}

/// All beginnings of four symbols for the example machine: network and machine agree at each step.
#[test]
fn every_small_tape() {
    let mut halted = 0;
    for bits in 0..16_u32 {
        let tape: Vec<String> = (0..4).map(|k| (bits >> k & 1).to_string()).collect();
        let machine = Machine::parse(LECTURE).unwrap().with_tape(&tape, 6).unwrap();
        let simulation = simulate(&machine, 100).unwrap();
        halted += usize::from(simulation.configurations.last().unwrap().halted);
        for step in simulation.configurations.windows(2) {
            assert_eq!(machine.step(&step[0]).unwrap(), step[1]);
        }
    }
    assert_eq!(halted, 16);
}

#[test]
fn a_halted_machine_stays_as_it_is() {
    let machine = Machine::parse(COUNTER).unwrap();
    let last = machine.run(1000).unwrap().pop().unwrap();
    assert_eq!(machine.step(&last).unwrap(), last);
    let construction = Construction::new(&machine);
    let frame = construction.frame(&last);
    let words = elman_quant::words_of(&construction.model().to_blob().unwrap()).unwrap();
    let model = elman::Model::load(elman::blob::Blob::new(&words)).unwrap();
    let mut memory = vec![0; model.memory_words()];
    let mut net = model.stream(&mut memory).unwrap();
    net.advance(&frame);
    for step in 0..1000 {
        let held = construction.configuration(net.hidden_state(0));
        assert_eq!(held, if step % 2 == 0 { Some(last.clone()) } else { None });
        net.advance(&vec![0; model.inputs()]);
    }
}

#[test]
fn a_changed_connection_is_noticed() {
    let machine = Machine::parse(LECTURE).unwrap();
    let construction = Construction::new(&machine);
    let mut hidden = vec![0; construction.units()];
    for (to, from) in hidden.iter_mut().zip(construction.frame(&machine.start)) {
        *to = from;
    }
    assert_eq!(construction.configuration(&hidden), Some(machine.start.clone()));
    for unit in 0..construction.units() {
        let mut other = hidden.clone();
        other[unit] = if other[unit] == 0 { i16::MAX } else { 0 };
        assert_ne!(construction.configuration(&other), Some(machine.start.clone()), "unit {unit}");
        other[unit] = 1;
        assert_eq!(construction.configuration(&other), None);
    }
}

#[test]
fn machines_that_are_wrong() {
    let wrong = |from: &str, to: &str| Machine::parse(&LECTURE.replacen(from, to, 1)).unwrap_err();
    assert!(
        wrong("1 R q2", "1 R q9").contains("[rules.q1] 0 = \"1 R q9\": there is no state `q9`; there are: q1 q2 q3")
    );
    assert!(wrong("1 R q2", "2 R q2").contains("there is no symbol `2`"));
    assert!(wrong("1 R q2", "1 X q2").contains("there is no move `X`"));
    assert!(wrong("1 R q2", "1 R").contains("expected \"WRITE MOVE NEXT\""));
    assert!(wrong("0 = \"1 R q2\"\n", "").contains("[rules.q1]: nothing is said for symbol `0`"));
    assert!(wrong("blank = \"0\"", "blank = \"_\"").contains("`_` is not among the symbols"));
    assert!(wrong("[\"0\", \"1\"]", "[\"0\", \"1\", \"1\"]").contains("hold `1` twice"));
    assert!(wrong("cells = 8", "cells = 5").contains("6 symbols on 5 cells"));
    assert!(wrong("cells = 8", "cells = 0").contains("1 to 256 cells"));
    assert!(wrong("head = 0", "head = 8").contains("the last of 8 cells is 7"));
    assert!(wrong("start = \"q1\"", "start = q1").contains("line 5"));
    assert!(wrong("head", "haed").contains("unknown field `haed`"));

    let short = Machine::parse(&LECTURE.replace("cells = 8", "cells = 6")).unwrap();
    assert!(short.run(100).unwrap_err().contains("step 6, in state q2: the head leaves the tape at its right end"));
    assert!(simulate(&short, 100).unwrap_err().to_string().contains("raise `cells`"));
    assert_eq!(short.run(5).unwrap().len(), 6);
    assert!(short.with_tape(&["x".to_owned()], 6).unwrap_err().contains("no symbol `x`"));
}
