//! Each system against what is known of it in closed form.

use super::motion::step;
use super::*;
use crate::ExampleStructure;

fn make(text: &str) -> Result<Records, Error> {
    Records::open("", &toml::from_str(text).unwrap())
}

fn values(record: &Record) -> (&[f64], &[f64]) {
    match (&record.input, &record.answer) {
        (Input::Values(input), Answer::Values(answer)) => (input, answer),
        other => panic!("values expected: {other:?}"),
    }
}

#[test]
fn adding_sums_the_marked() {
    let records = make("generate = \"adding\"\nsteps = 50\ncount = 400").unwrap();
    assert_eq!((records.train.len(), records.valid.len(), records.test.len()), (400, 40, 40));
    let mut squares = 0.0;
    for record in &records.train {
        let (input, answer) = values(record);
        let marked: Vec<usize> = (0..50).filter(|t| input[2 * t + 1] == 1.0).collect();
        assert!(marked.len() == 2 && marked[0] < 25 && marked[1] >= 25);
        assert_eq!(answer, [input[2 * marked[0]] + input[2 * marked[1]]]);
        squares += (answer[0] - 1.0).powi(2) / 400.0;
    }
    assert!((squares - 1.0 / 6.0).abs() < 0.03, "{squares}");
    assert_eq!(records.steps(&records.train[0]), 50);
}

#[test]
fn copy_says_again() {
    let records = make("generate = \"copy\"\nsteps = 30\ncount = 3").unwrap();
    let (Input::Symbols(input), Answer::Tags(answer)) = (&records.train[0].input, &records.train[0].answer) else {
        panic!("symbols expected");
    };
    assert_eq!((input.len(), answer.len()), (50, 50));
    assert_eq!(input[..10], answer[40..]);
    assert!(input[10..39].iter().chain(&input[40..]).chain(&answer[..40]).all(|s| s == "_"));
    assert_eq!(input[39], "!");
}

#[test]
fn a_seed_gives_the_same_and_another_gives_others() {
    for what in ["adding", "copy", "pendulum", "lorenz"] {
        let text = format!("generate = \"{what}\"\ncount = 2\n");
        let (a, b, c) = (make(&text).unwrap(), make(&text).unwrap(), make(&format!("{text}seed = 2")).unwrap());
        assert_eq!((&a.train, &a.test), (&b.train, &b.test));
        assert!(a.train[0] != a.train[1] && a.train[0].answer != c.train[0].answer);
        assert_ne!(a.valid[0].answer, a.test[0].answer);
        let longer = make(&format!("{text}valid_share = 0.5")).unwrap();
        assert_eq!(longer.test, a.test);
    }
}

/// Without torque and damping, energy stays.
#[test]
fn runge_kutta_keeps_the_energy_of_a_free_pendulum() {
    let free = |[q, v]: [f64; 2]| [v, -9.81 * q.sin()];
    let energy = |[q, v]: [f64; 2]| v * v / 2.0 - 9.81 * q.cos();
    let mut state = [2.0, 0.0];
    for _ in 0..1000 {
        state = step(state, 0.025, free);
    }
    assert!((energy(state) - energy([2.0, 0.0])).abs() < 1e-3, "{}", energy(state));
}

#[test]
fn the_pendulum_rests_where_torque_meets_gravity() {
    let mut state = [0.0, 0.0];
    for _ in 0..4000 {
        state = step(state, 0.025, |s| pendulum::slope(s, 5.0));
    }
    assert!((9.81 * state[0].sin() - 5.0).abs() < 1e-9 && state[1].abs() < 1e-9, "{state:?}");

    let records = make("generate = \"pendulum\"\ncount = 20\noutputs = [\"angle\", \"sin\", \"cos\"]").unwrap();
    let mut most = 0.0_f64;
    for record in &records.train {
        let (input, answer) = values(record);
        assert_eq!((input.len(), answer.len()), (600, 1800));
        for step in answer.chunks_exact(3) {
            assert!((step[0].sin() - step[1]).abs() < 1e-6 && (step[0].cos() - step[2]).abs() < 1e-6);
            most = most.max(step[0].abs());
        }
    }
    assert!((1.0..2.2).contains(&most), "{most}");
    assert!(
        make("generate = \"pendulum\"\noutputs = [\"height\"]").unwrap_err().to_string().contains("no output `height`")
    );
}

#[test]
fn lorenz_stays_on_its_attractor() {
    let fixed = (72.0_f64).sqrt();
    assert!(lorenz::slope([fixed, fixed, 27.0]).iter().all(|d| d.abs() < 1e-12));
    let records = make("generate = \"lorenz\"\nsteps = 1000\ncount = 1").unwrap();
    let (input, answer) = values(&records.train[0]);
    assert!(input.is_empty());
    assert_eq!(records.steps(&records.train[0]), 1000);
    let z = answer.iter().skip(2).step_by(3);
    let (low, high) = z.fold((f64::MAX, f64::MIN), |(a, b), &v| (a.min(v), b.max(v)));
    assert!((0.0..15.0).contains(&low) && (35.0..50.0).contains(&high), "{low} {high}");
}

#[test]
fn sizes_that_mean_nothing() {
    assert!(make("generate = \"adding\"\nsteps = 1").unwrap_err().to_string().contains("steps of 2 or more"));
    assert!(make("generate = \"copy\"\ncount = 0").unwrap_err().to_string().contains("count of 1 or more"));
    let many = make("generate = \"lorenz\"\nsteps = 9000000000000000000").unwrap_err().to_string();
    assert!(many.contains("more than fit in memory"), "{many}");
}

#[test]
fn digits_come_back_in_another_order() {
    let symbols = |what: &str| -> Vec<(Vec<String>, Vec<String>)> {
        let records = make(&format!("generate = \"{what}\"\ncount = 50")).unwrap();
        assert_eq!((records.task, records.unit), (Task::Seq2seq, Some(Unit::Characters)));
        let pair = |r: Record| match (r.input, r.answer) {
            (Input::Symbols(input), Answer::Symbols(answer)) => (input, answer),
            other => panic!("symbols expected: {other:?}"),
        };
        records.train.into_iter().map(pair).collect()
    };
    for (input, answer) in symbols("reverse") {
        assert!(input.iter().rev().eq(&answer) && (1..=8).contains(&input.len()));
    }
    for (mut input, answer) in symbols("sort") {
        input.sort();
        assert_eq!(input, answer);
    }
}

#[test]
fn a_faulty_sensor_disagrees_with_its_neighbours() {
    let options = RecordOptions { generate: Some(Generate::Sensors), count: 300, ..RecordOptions::default() };
    let records = Records::open("", &options).unwrap();
    assert_eq!((records.task, records.unit, records.channels.len()), (Task::Tag, None, 6));
    let (mut sound, mut faulty) = (Vec::new(), Vec::new());
    for record in &records.train {
        let (Input::Values(values), ExampleStructure::Graph(rows)) = (&record.input, &record.joints) else {
            panic!("a graph")
        };
        let Answer::Tags(labels) = &record.answer else { panic!("labels") };
        let last = |v: usize| values[v * 6 + 5];
        assert!(labels.len() >= 6 && labels.len() <= 12 && rows.offsets.len() == labels.len() + 1);
        for (v, label) in labels.iter().enumerate() {
            let heard = &rows.neighbours[rows.offsets[v] as usize..rows.offsets[v + 1] as usize];
            assert!(heard.len() >= 2 && !heard.contains(&(v as u16)));
            let mean = heard.iter().map(|u| last(usize::from(*u))).sum::<f64>() / heard.len() as f64;
            if label == "faulty" { &mut faulty } else { &mut sound }.push((last(v) - mean).abs());
        }
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    assert!(faulty.len() > 150 && faulty.len() < 250, "{}", faulty.len());
    assert!(mean(&faulty) > 2.0 * mean(&sound), "{} {}", mean(&faulty), mean(&sound));
}
