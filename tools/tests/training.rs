//! Training as a whole: it learns, it repeats to the bit, it survives being killed, it fails with clear words.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use elman_tools::nn::{DropoutKind, LayerSpec, NO_CLASS, NetworkSpec, Over, Target};
use elman_tools::train::{
    Control, Dataset, Optimizer, Outcome, Progress, Schedule, Sequence, TrainConfig, TrainError, Trainer, Watch,
};

/// The class is the sign of the first frame; noise follows, 3 to 12 steps of it.
struct FirstSign(usize);

fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

impl Dataset for FirstSign {
    fn len(&self) -> usize {
        self.0
    }
    fn get(&self, index: usize, epoch_seed: Option<u64>) -> Sequence {
        let mut next = noise(index as u64);
        let mut frames: Vec<f32> = (0..2 * (3 + index % 10)).map(|_| next()).collect();
        let class = u32::from(index.is_multiple_of(3));
        frames[0] = if class == 1 { 1.0 } else { -1.0 };
        if let Some(seed) = epoch_seed {
            let mut next = noise(seed ^ index as u64);
            frames.iter_mut().for_each(|x| *x += 0.1 * next());
        }
        Sequence { frames, target: Target::Class(class) }
    }
}

const TRAIN: FirstSign = FirstSign(150);
const VALID: FirstSign = FirstSign(60);

fn spec(variant: &str) -> NetworkSpec {
    let cell = LayerSpec::cell(variant, 12).with_dropout(0.1, DropoutKind::NonRecurrent);
    NetworkSpec { inputs: 2, layers: vec![cell, LayerSpec::Pool { over: Over::Last }, LayerSpec::dense(2)] }
}

fn config() -> TrainConfig {
    TrainConfig { epochs: 6, rate: 0.02, threads: 1, shard: 8, weight_decay: 0.01, ..TrainConfig::default() }
}

fn quiet(_: Progress<'_>) -> Control {
    Control::Continue
}

fn bits(trainer: &Trainer) -> Vec<u32> {
    trainer.network().values().iter().map(|x| x.to_bits()).collect()
}

fn trained(config: &TrainConfig) -> Trainer {
    let mut trainer = Trainer::new(&spec("gru"), config).unwrap();
    assert_eq!(trainer.run(&TRAIN, &VALID, None, quiet).unwrap(), Outcome::Finished);
    trainer
}

#[test]
fn every_cell_learns_to_remember() {
    for variant in ["srn", "gru", "gru-before", "lstm"] {
        let mut trainer = Trainer::new(&spec(variant), &TrainConfig { epochs: 12, ..config() }).unwrap();
        trainer.run(&TRAIN, &VALID, None, quiet).unwrap();
        let best = trainer.best_epoch().unwrap();
        let metrics = trainer.history()[best - 1];
        assert!(metrics.valid_accuracy >= 0.95, "{variant}: {metrics:?}");
        assert!(metrics.best && metrics.valid_loss < 0.3, "{variant}: {metrics:?}");
    }
}

#[test]
fn optimizers_and_schedules_learn() {
    for (optimizer, schedule, rate) in [
        (Optimizer::Sgd, Schedule::Step, 0.3),
        (Optimizer::Sgd, Schedule::Constant, 0.3),
        (Optimizer::Adam, Schedule::Step, 0.02),
    ] {
        let config = TrainConfig { epochs: 12, optimizer, schedule, rate, warmup: 0.5, ..config() };
        let history = trained(&config).history().to_vec();
        assert!(history[11].train_loss < 0.5 * history[0].train_loss, "{optimizer:?} {schedule:?} {history:?}");
    }
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let one = trained(&config());
    for threads in [2, 3, 5] {
        let more = trained(&TrainConfig { threads, ..config() });
        assert_eq!(bits(&one), bits(&more), "{threads} threads");
        assert_eq!(one.history(), more.history());
    }
    assert_ne!(bits(&one), bits(&trained(&TrainConfig { seed: 2, ..config() })));
}

/// Stops a run at epoch 3, batch 2.
fn third_epoch(progress: Progress<'_>) -> Control {
    match progress {
        Progress::Batch { epoch: 3, batch: 2, .. } => Control::Stop,
        _ => Control::Continue,
    }
}

#[test]
fn stopped_in_an_epoch_and_resumed_it_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let whole = trained(&config());
    let mut stopped = Trainer::new(&spec("gru"), &config()).unwrap();
    assert_eq!(stopped.run(&TRAIN, &VALID, Some(&path), third_epoch).unwrap(), Outcome::Stopped);
    assert_eq!(stopped.history().len(), 2);
    let mut resumed = Trainer::resume(&path).unwrap();
    assert_eq!(bits(&resumed), bits(&stopped));
    resumed.set_threads(2);
    assert_eq!(resumed.run(&TRAIN, &VALID, Some(&path), quiet).unwrap(), Outcome::Finished);
    assert_eq!(bits(&resumed), bits(&whole));
    assert_eq!(resumed.history(), whole.history());
    assert_eq!(resumed.into_best().values(), whole.into_best().values());
}

/// The run that [`killed_and_resumed_it_ends_with_the_same_bits`] kills: it says when it is in the middle of epoch 3.
#[test]
fn child_that_is_killed() {
    let Ok(path) = std::env::var("ELMAN_TEST_CHECKPOINT") else { return };
    let mut trainer = Trainer::new(&spec("gru"), &config()).unwrap();
    let result = trainer.run(&TRAIN, &VALID, Some(Path::new(&path)), |progress| {
        if third_epoch(progress) == Control::Stop {
            println!("\nin epoch 3");
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
        Control::Continue
    });
    panic!("it was not killed: {result:?}");
}

#[test]
fn killed_and_resumed_it_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_is_killed", "--nocapture"])
        .env("ELMAN_TEST_CHECKPOINT", &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "in epoch 3"));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut resumed = Trainer::resume(&path).unwrap();
    assert_eq!(resumed.history().len(), 2);
    resumed.run(&TRAIN, &VALID, Some(&path), quiet).unwrap();
    assert_eq!(bits(&resumed), bits(&trained(&config())));
}

#[test]
fn stops_early_and_keeps_the_best() {
    let config = TrainConfig { epochs: 200, patience: 3, watch: Watch::Loss, ..config() };
    let mut trainer = Trainer::new(&spec("gru"), &config).unwrap();
    // Nothing to learn but by heart.
    let data = |seed: u64| -> Vec<Sequence> {
        let mut next = noise(seed);
        let mut one =
            || Sequence { frames: (0..8).map(|_| next()).collect(), target: Target::Class(u32::from(next() > 0.0)) };
        (0..60).map(|_| one()).collect()
    };
    assert_eq!(trainer.run(&data(1), &data(2), None, quiet).unwrap(), Outcome::EarlyStop);
    let (history, best) = (trainer.history(), trainer.best_epoch().unwrap());
    assert_eq!(history.len(), best + 3);
    assert!(history.iter().all(|m| m.valid_loss >= history[best - 1].valid_loss));
    assert_ne!(trainer.network().values().to_vec(), trainer.into_best().values());
}

#[test]
fn divergence_is_said_and_the_last_good_network_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let config = TrainConfig {
        rate: 1e30,
        clip: 0.0,
        optimizer: Optimizer::Sgd,
        schedule: Schedule::Constant,
        warmup: 0.0,
        ..config()
    };
    let mut calm = Trainer::new(&spec("srn-relu"), &TrainConfig { epochs: 1, ..self::config() }).unwrap();
    calm.run(&TRAIN, &VALID, Some(&path), quiet).unwrap();
    let before = std::fs::read(&path).unwrap();
    let mut wild = Trainer::new(&spec("srn-relu"), &config).unwrap();
    let initial = bits(&wild);
    let wrong = wild.run(&TRAIN, &VALID, Some(&path), quiet).unwrap_err();
    assert!(matches!(wrong, TrainError::Diverged { epoch: 1, .. }), "{wrong}");
    assert!(wrong.to_string().contains("lower learning rate"), "{wrong}");
    assert_eq!(bits(&wild), initial);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_the_old_checkpoint_kept() {
    // A limit on the size of files ends a write as a full disk does. It holds for a whole process, so the test
    // runs itself again under it.
    const FOLDER: &str = "ELMAN_TEST_FULL_DISK";
    const NAME: &str = "a_full_disk_is_said_and_the_old_checkpoint_kept";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let path = std::path::Path::new(&folder).join("checkpoint.safetensors");
        let mut trainer = Trainer::new(&spec("gru"), &config()).unwrap();
        let wrong = trainer.run(&TRAIN, &VALID, Some(&path), quiet).unwrap_err().to_string();
        assert!(
            wrong.starts_with("cannot write ") && wrong.contains("checkpoint.safetensors: File too large"),
            "{wrong}"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut trainer = Trainer::new(&spec("gru"), &TrainConfig { epochs: 1, ..config() }).unwrap();
    trainer.run(&TRAIN, &VALID, Some(&path), quiet).unwrap();
    let before = std::fs::read(&path).unwrap();
    let limited = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout) + String::from_utf8_lossy(&limited.stderr);
    assert!(limited.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn broken_checkpoints_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let wrong = Trainer::resume(&path).unwrap_err().to_string();
    assert!(wrong.starts_with("cannot read "), "{wrong}");
    let mut trainer = Trainer::new(&spec("gru"), &TrainConfig { epochs: 1, ..config() }).unwrap();
    trainer.run(&TRAIN, &VALID, Some(&path), quiet).unwrap();
    let mut whole = Vec::new();
    std::fs::File::open(&path).unwrap().read_to_end(&mut whole).unwrap();
    for length in [0, 7, 100, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let wrong = Trainer::resume(&path).unwrap_err();
        assert!(matches!(wrong, TrainError::Checkpoint { .. }), "{wrong}");
    }
}

#[test]
fn data_that_does_not_fit_is_named() {
    let run = |layers: Vec<LayerSpec>, frames: usize, target: Target| {
        let mut trainer = Trainer::new(&NetworkSpec { inputs: 2, layers }, &config()).unwrap();
        let data = vec![Sequence { frames: vec![0.5; frames], target }];
        trainer.run(&data, &data, None, quiet).map_err(|e| e.to_string())
    };
    let pooled = || vec![LayerSpec::cell("srn", 2), LayerSpec::Pool { over: Over::Last }, LayerSpec::dense(2)];
    let stepped = || vec![LayerSpec::cell("srn", 2), LayerSpec::dense(2)];
    let says = |what: &str| Err(format!("training sequence 0: {what}"));
    assert_eq!(run(pooled(), 6, Target::Class(1)), Ok(Outcome::Finished));
    assert_eq!(run(stepped(), 6, Target::Steps(vec![0, NO_CLASS, 1])), Ok(Outcome::Finished));
    assert_eq!(run(pooled(), 0, Target::Class(1)), says("it has no frames"));
    assert_eq!(run(pooled(), 5, Target::Class(1)), says("its 5 values are no whole number of frames of 2"));
    assert_eq!(run(pooled(), 6, Target::Class(2)), says("its class 2 is not among the network's 2 outputs"));
    assert_eq!(run(stepped(), 6, Target::Steps(vec![1])), says("it has 1 classes for 3 frames"));
    let none: Vec<Sequence> = Vec::new();
    let mut trainer = Trainer::new(&spec("srn"), &config()).unwrap();
    let wrong = trainer.run(&none, &VALID, None, quiet).unwrap_err().to_string();
    assert_eq!(wrong, "there are no training sequences");
}
