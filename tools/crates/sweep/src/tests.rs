//! Plans, claims and results.

use std::collections::HashMap;
use std::time::Duration;

use super::*;
use elman_recipe::Recipe;

fn plan(text: &str) -> Result<Plan, String> {
    let sweep: Sweep = toml::from_str(text).map_err(|e| e.to_string())?;
    let base = Recipe::parse(
        "[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", units = 8 }]\n[train]\nepochs = 9\n",
    )
    .unwrap();
    Plan::of(text, &sweep, base).map_err(|e| format!("{e:#}"))
}

#[test]
fn a_grid_is_all_combinations_with_every_seed() {
    let text = "seeds = [4, 5]\n[axes]\ntrain.rate = [1e-3, 2e-3]\n\"network.layers.0.units\" = [8, 16, 24]\n";
    let plan = plan(text).unwrap();
    assert_eq!((plan.settings.len(), plan.trials.len(), plan.jobs()), (6, 12, 12));
    let last = plan.recipe(11).unwrap();
    assert_eq!((last.train.seed, last.train.rate), (5, 2e-3));
    let text = last.to_toml().unwrap();
    assert!(text.contains("units = 24") && text.contains("variant = \"gru\""), "{text}");
}

#[test]
fn settings_that_are_drawn_are_the_same_again_and_within_their_range() {
    let text = "search = \"random\"\ntrials = 40\n[axes]\ntrain.rate = { from = 1e-4, to = 1e-1, log = true }\n\
                train.batch = { from = 4, to = 64, log = true }\ntrain.optimizer = [\"adam\", \"sgd\"]\n";
    let (a, b) = (plan(text).unwrap(), plan(text).unwrap());
    assert_eq!(a, b);
    assert_eq!(a.settings.len(), 40);
    for trial in 0..40 {
        let train = a.recipe(trial).unwrap().train;
        assert!((1e-4..=1e-1).contains(&train.rate) && (4..=64).contains(&train.batch), "{train:?}");
    }
    // Of two combinations, there are two.
    let few = plan("search = \"random\"\ntrials = 5\n[axes]\ntrain.optimizer = [\"adam\", \"sgd\"]\n").unwrap();
    assert_eq!(few.settings.len(), 2);
}

#[test]
fn mistakes_are_named_with_the_way_out() {
    for (text, wanted) in [
        ("[axes]\ntrain.rate = 3.0\n", "write [3.0]"),
        ("[axes]\ntrain.seed = [1]\n", "write seeds = [1, 2, 3]"),
        ("[axes]\ntrain.rate = { from = 1.0, to = 2.0 }\n", "a grid has no ranges"),
        ("[axes]\ntrain.rate = { from = 3.0, to = 2.0 }\n", "exchange them"),
        ("[axes]\ntrain.epocs = [3]\n", "did you mean `epochs`?"),
        ("[axes]\ntrain.rate = [-1.0]\n", "train.rate = -1.0"),
        ("[axes]\n\"network.layers.3.units\" = [8]\n", "there is no 3"),
        ("search = \"halving\"\nepochs = 9\n", "less than the 9 epochs"),
        ("search = \"halving\"\n[axes]\ntrain.epochs = [3]\n", "halving gives settings their epochs"),
        ("search = \"random\"\n", "how many settings are drawn"),
        ("seeds = []\n", "seeds is empty"),
        ("seeds = [2, 2]\n", "the same seed twice"),
        ("sed = 1\n", "unknown field `sed`"),
    ] {
        let error = plan(text).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

/// A result with this score.
fn outcome(job: Job, score: f64) -> Outcome {
    let failed = (!score.is_finite()).then(|| "it diverged".to_owned());
    Outcome {
        trial: job.trial,
        rung: job.rung,
        score: score.is_finite().then_some(score),
        failed,
        ..Outcome::default()
    }
}

#[test]
fn of_each_rung_the_best_go_on_by_the_mean_of_their_seeds() {
    let rates: Vec<String> = (1..=7).map(|k| format!("{k}e-3")).collect();
    let text = format!(
        "search = \"halving\"\nepochs = 1\nfactor = 3\nseeds = [1, 2]\n[axes]\ntrain.rate = [{}]\n",
        rates.join(", ")
    );
    let plan = plan(&text).unwrap();
    assert_eq!((plan.rungs.clone(), plan.settings_in(1), plan.settings_in(2), plan.jobs()), (vec![1, 3], 3, 1, 22));
    let mut results = HashMap::new();
    let mut seen = Vec::new();
    loop {
        let now = standing(&plan, &results);
        assert_eq!(now.done, results.len());
        if now.finished {
            break;
        }
        let mut settings: Vec<usize> = now.open.iter().map(|job| plan.trials[job.trial].setting).collect();
        settings.dedup();
        seen.push((now.open[0].rung, settings));
        for job in now.open {
            // Setting 1 diverges with one seed; 4 and 6 are best; seed 2 alone would choose 0.
            let setting = plan.trials[job.trial].setting;
            let odd = plan.trials[job.trial].seed == 2;
            let score = match (setting, odd) {
                (1, true) => f64::INFINITY,
                (0, true) => 0.0,
                (0, false) => 50.0,
                (4, _) => 1.0,
                (6, _) => 2.0,
                _ => 10.0 + setting as f64,
            };
            results.insert(job, outcome(job, score));
        }
    }
    assert_eq!(seen, [(0, vec![0, 1, 2, 3, 4, 5, 6]), (1, vec![2, 4, 6]), (2, vec![4])]);
    let rows = rows(&plan, &results);
    assert_eq!((rows[0].setting, rows[0].rung), (4, Some(2)));
    assert_eq!(rows.iter().find(|r| r.setting == 1).unwrap().failed, 1);
}

#[test]
fn mean_and_deviation() {
    let spread = Spread::of([1.0, 2.0, 3.0, 6.0]).unwrap();
    assert_eq!((spread.mean, spread.count), (3.0, 4));
    assert!((spread.deviation - (14.0f64 / 3.0).sqrt()).abs() < 1e-12);
    assert_eq!(Spread::of([5.0]).unwrap().deviation, 0.0);
    assert_eq!(Spread::of([]), None);
}

/// A worker in a folder, as if on this machine.
fn worker(folder: &SweepFolder, machine: &str, stale: u64) -> Worker {
    Worker::begin(folder, Duration::from_millis(stale), Some(machine.to_owned()), |_| {}).unwrap()
}

fn run(next: Next) -> Claim {
    match next {
        Next::Run(claim) => claim,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_is_one_worker_s_until_that_is_dead_and_has_one_result() {
    let plan = plan("[axes]\ntrain.rate = [1e-3, 2e-3]\n").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (folder, _) = SweepFolder::open_or_make(dir.path(), &plan).unwrap();
    // The heartbeat alone: they are on different machines.
    let (a, b) = (worker(&folder, "a", 300), worker(&folder, "b", 300));
    let first = run(a.next(&plan).unwrap());
    let second = run(b.next(&plan).unwrap());
    assert_eq!([first.job.trial, second.job.trial], [0, 1]);
    std::thread::sleep(Duration::from_millis(700));
    let c = worker(&folder, "c", 300);
    assert_eq!(c.next(&plan).unwrap(), Next::Wait);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(c.next(&plan).unwrap(), Next::Wait);
    // Ended by itself, its claim is free at once.
    drop(a);
    let over = run(c.next(&plan).unwrap());
    assert_eq!((over.job, over.number), (first.job, 1));
    assert!(c.finish(over, &outcome(over.job, 1.0)).unwrap());
    assert!(!b.finish(first, &outcome(first.job, 1.0)).unwrap());
    assert_eq!(c.next(&plan).unwrap(), Next::Wait);
    assert!(b.finish(second, &outcome(second.job, 1.0)).unwrap());
    assert_eq!(c.next(&plan).unwrap(), Next::Finished);
    let done = folder.events().unwrap().into_iter().flat_map(|(_, events)| events);
    assert_eq!(done.filter(|e| e.what == Kind::Done).count(), 2);
}

/// A worker whose heartbeat stops without its end.
#[test]
fn a_silent_heartbeat_is_a_dead_worker_elsewhere_and_a_free_lock_is_one_here() {
    let plan = plan("").unwrap();
    for (machine, wait) in [("elsewhere", true), ("here", false)] {
        let dir = tempfile::tempdir().unwrap();
        let (folder, _) = SweepFolder::open_or_make(dir.path(), &plan).unwrap();
        let job = Job { rung: 0, trial: 0 };
        std::fs::write(folder.worker("killed"), "00000000000000000007\n").unwrap();
        assert!(
            folder.write_claim(job, 0, &Owner { worker: "killed".to_owned(), machine: machine.to_owned() }).unwrap()
        );
        let here = worker(&folder, "here", 300);
        if wait {
            assert_eq!(here.next(&plan).unwrap(), Next::Wait);
            std::thread::sleep(Duration::from_millis(350));
        }
        assert_eq!(run(here.next(&plan).unwrap()), Claim { job, number: 1 });
    }
}

#[test]
fn who_was_taken_over_is_stopped() {
    let plan = plan("").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (folder, _) = SweepFolder::open_or_make(dir.path(), &plan).unwrap();
    let (send, lost) = std::sync::mpsc::channel();
    let slow = Worker::begin(&folder, Duration::from_millis(100), None, move |job| {
        let _ = send.send(job);
    })
    .unwrap();
    let claim = run(slow.next(&plan).unwrap());
    let other = Owner { worker: "other".to_owned(), machine: "other".to_owned() };
    assert!(folder.write_claim(claim.job, 1, &other).unwrap());
    assert_eq!(lost.recv_timeout(Duration::from_secs(5)).unwrap(), claim.job);
}

#[test]
fn another_sweep_does_not_go_into_the_same_folder_and_half_a_line_is_no_event() {
    let dir = tempfile::tempdir().unwrap();
    let one = plan("[axes]\ntrain.rate = [1e-3]\n").unwrap();
    let (folder, _) = SweepFolder::open_or_make(dir.path(), &one).unwrap();
    let other = plan("[axes]\ntrain.rate = [2e-3]\n").unwrap();
    let error = SweepFolder::open_or_make(dir.path(), &other).unwrap_err().to_string();
    assert!(error.contains("has another sweep"), "{error}");
    assert!(SweepFolder::open(&dir.path().join("x")).unwrap_err().to_string().contains("is no folder of a sweep"));
    std::fs::write(folder.journal("w"), "{\"time\":1.0,\"what\":\"began\"}\n{\"time\":2.0,\"wh").unwrap();
    assert_eq!(folder.events().unwrap()[0].1.len(), 1);
}
