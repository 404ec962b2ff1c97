//! Training as a whole: it learns, it repeats to the bit, it survives being killed, it fails with clear words.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier, Mutex};

use elman_nn::{DenseActivation, DropoutKind, LayerSpec, Loss, NO_CLASS, Narx, NetworkSpec, Over, Pool, Target};
use elman_train::{
    Control, Dataset, Optimizer, Outcome, Progress, Ranks, Schedule, Sequence, TrainConfig, TrainError, Trainer, Watch,
    forecast,
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
        Sequence::new(frames, Target::Class(class))
    }
}

const TRAIN: FirstSign = FirstSign(150);
const VALID: FirstSign = FirstSign(60);

fn spec(variant: &str) -> NetworkSpec {
    let cell = LayerSpec::cell(variant, 12).with_dropout(0.1, DropoutKind::NonRecurrent);
    NetworkSpec::sequence(2, vec![cell, LayerSpec::from(Pool { over: Over::Last }), LayerSpec::dense(2)])
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

/// Ranks that are threads of this process.
#[derive(Debug)]
struct Threads {
    rank: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    barrier: Barrier,
    bytes: Mutex<Vec<Vec<u8>>>,
    parts: Mutex<Vec<Vec<Vec<f32>>>>,
}

impl Shared {
    fn all<T: Clone>(&self, rank: usize, of: &Mutex<Vec<T>>, own: T) -> Vec<T> {
        of.lock().unwrap()[rank] = own;
        self.barrier.wait();
        let all = of.lock().unwrap().clone();
        self.barrier.wait();
        all
    }
}

impl Ranks for Threads {
    fn rank(&self) -> usize {
        self.rank
    }
    fn count(&self) -> usize {
        self.shared.bytes.lock().unwrap().len()
    }
    fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, String> {
        Ok(self.shared.all(self.rank, &self.shared.bytes, own))
    }
    fn exchange(&self, parts: Vec<Vec<f32>>, lengths: &[usize]) -> Result<Vec<Vec<f32>>, String> {
        let all = self.shared.all(self.rank, &self.shared.parts, parts);
        let own: Vec<Vec<f32>> = all.into_iter().map(|parts| parts[self.rank].clone()).collect();
        assert_eq!(own.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
        Ok(own)
    }
}

/// Trains on so many ranks; rank 1 asks to stop after `stop` batches. Bits and metrics of each rank.
fn on_ranks(count: usize, threads: usize, stop: usize) -> Vec<(Outcome, Vec<u32>, String)> {
    let barrier = Barrier::new(count);
    let (bytes, parts) = (Mutex::new(vec![Vec::new(); count]), Mutex::new(vec![Vec::new(); count]));
    let shared = Arc::new(Shared { barrier, bytes, parts });
    let run = |rank: usize| {
        let shared = Arc::clone(&shared);
        std::thread::spawn(move || {
            let config = TrainConfig { threads, batch: 40, ..config() };
            let mut trainer = Trainer::new(&spec("lstm"), &config).unwrap();
            trainer.set_ranks(Arc::new(Threads { rank, shared }));
            let mut batches = 0;
            let outcome = trainer.run(&TRAIN, &VALID, None, |p| {
                batches += usize::from(matches!(p, Progress::Batch { .. }));
                if rank == 1 && batches >= stop { Control::Stop } else { Control::Continue }
            });
            (outcome.unwrap(), bits(&trainer), format!("{:?}", trainer.history()))
        })
    };
    let all: Vec<_> = (0..count).map(run).collect();
    all.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// Batches of 40, 40, 40 and 30 sequences in shards of 8: some ranks have more shards than others, and some none.
#[test]
fn any_number_of_ranks_gives_the_same_bits() {
    let mut alone = Trainer::new(&spec("lstm"), &TrainConfig { batch: 40, ..config() }).unwrap();
    alone.run(&TRAIN, &VALID, None, quiet).unwrap();
    let wanted = (Outcome::Finished, bits(&alone), format!("{:?}", alone.history()));
    for (count, threads) in [(1, 1), (2, 1), (2, 2), (3, 1), (4, 2), (7, 1)] {
        for (rank, found) in on_ranks(count, threads, usize::MAX).iter().enumerate() {
            assert!(*found == wanted, "{count} ranks of {threads} threads, rank {rank}");
        }
    }
}

#[test]
fn when_one_rank_stops_all_stop_after_the_same_batch() {
    let all = on_ranks(3, 1, 6);
    assert!(all.iter().all(|found| *found == all[0] && found.0 == Outcome::Stopped));
    assert_eq!(all[0].2.matches("epoch: ").count(), 1);
}

/// Gates that are computed again are the same gates, of every cell in one direction or both, whatever dropout masks; and they take less
/// memory.
#[test]
fn recomputing_gives_the_same_bits_in_less_memory() {
    let layers = LayerSpec::samples().into_iter().filter(|layer| matches!(layer, LayerSpec::Cell(_)));
    let kinds = [DropoutKind::NonRecurrent, DropoutKind::Ordinary, DropoutKind::Variational, DropoutKind::Weights];
    for (k, layer) in layers.enumerate() {
        let network = |layer| {
            NetworkSpec::sequence(2, vec![layer, LayerSpec::from(Pool { over: Over::Mean }), LayerSpec::dense(2)])
        };
        let dropped = network(layer.clone().with_dropout(0.2, kinds[k % kinds.len()]));
        let spec = if dropped.check().is_ok() { dropped } else { network(layer.clone()) };
        let of = |recompute| {
            let config = TrainConfig { epochs: 2, rate: 1e-3, shard: 2, recompute, ..config() };
            let mut trainer = Trainer::new(&spec, &config).unwrap();
            let data = Long(24);
            // Some residual cells diverge over so many steps, both in the same way.
            let outcome = trainer.run(&data, &data, None, quiet).map_err(|e| e.to_string());
            ((outcome, bits(&trainer)), trainer.memory().activation_bytes)
        };
        let (plain, again) = (of(false), of(true));
        assert!(plain.0 == again.0, "{layer:?}: other bits");
        assert!(again.1 < plain.1, "{layer:?}: {} bytes, {} without", again.1, plain.1);
    }
}

/// [`FirstSign`] with sequences of hundreds of steps.
struct Long(usize);

impl Dataset for Long {
    fn len(&self) -> usize {
        self.0
    }
    fn get(&self, index: usize, _: Option<u64>) -> Sequence {
        let mut next = noise(index as u64);
        let frames = (0..2 * (300 + 37 * (index % 5))).map(|_| next()).collect();
        Sequence::new(frames, Target::Class(u32::from(index.is_multiple_of(3))))
    }
}

/// What least squares finds in closed form is what the gradient goes to.
#[test]
fn a_linear_narx_goes_to_the_least_squares_solution() {
    // y_t = 0.3 + 0.5 y_(t-1) - 0.4 y_(t-2) + 0.8 x_t + noise; a frame is [x_t, y_(t-1)].
    let mut next = noise(5);
    let (mut y, mut frames, mut wanted) = (vec![0.0f32; 2], Vec::new(), Vec::new());
    for _ in 0..64 {
        let (x, n) = (next(), y.len());
        frames.extend([x, y[n - 1]]);
        y.push(0.3 + 0.5 * y[n - 1] - 0.4 * y[n - 2] + 0.8 * x + 0.1 * next());
        wanted.push(y[n]);
    }
    // The normal equations over [x_t, y_(t-1), y_(t-2), 1], solved by Gauss and Jordan.
    let mut system = [[0.0f64; 5]; 4];
    for (t, wanted) in wanted.iter().enumerate() {
        let row = [frames[2 * t], y[t + 1], y[t], 1.0, *wanted].map(f64::from);
        for i in 0..4 {
            (0..5).for_each(|j| system[i][j] += row[i] * row[j]);
        }
    }
    for i in 0..4 {
        let pivot = system[i];
        for (k, row) in system.iter_mut().enumerate() {
            let factor = if k == i { 1.0 - 1.0 / pivot[i] } else { row[i] / pivot[i] };
            row.iter_mut().zip(pivot).for_each(|(a, b)| *a -= factor * b);
        }
    }
    let narx = LayerSpec::from(Narx {
        hidden: 0,
        outputs: 1,
        input_taps: 0,
        output_taps: 2,
        activation: DenseActivation::Linear,
        closed: false,
        residual: false,
        warmup: 0,
    });
    let spec = NetworkSpec::sequence(2, vec![narx]);
    let data = vec![Sequence::new(frames, Target::Values(wanted))];
    let config = TrainConfig {
        epochs: 3000,
        loss: Loss::SquaredError,
        optimizer: Optimizer::Sgd,
        rate: 5e-3,
        clip: 0.0,
        schedule: Schedule::Constant,
        watch: Watch::Loss,
        ..config()
    };
    let mut trainer = Trainer::new(&spec, &config).unwrap();
    trainer.run(&data, &data, None, quiet).unwrap();
    for (ours, exact) in trainer.network().values().iter().zip(system.map(|row| row[4])) {
        assert!((f64::from(*ours) - exact).abs() < 1e-4, "{:?} {system:?}", trainer.network().values());
    }
}

/// Two numbers far apart are added: the cells that carry a state along do it.
#[test]
fn gated_cells_solve_the_adding_problem() {
    let example = |k: usize| {
        let mut next = noise(k as u64 + 1);
        let mut frames: Vec<f32> = (0..40).flat_map(|_| [0.5 + 0.5 * next(), 0.0]).collect();
        let marked = [(next().abs() * 20.0) as usize, 20 + (next().abs() * 20.0) as usize];
        marked.iter().for_each(|t| frames[2 * t + 1] = 1.0);
        let sum = frames[2 * marked[0]] + frames[2 * marked[1]];
        Sequence::new(frames, Target::Values(vec![sum]))
    };
    let (train, valid): (Vec<_>, Vec<_>) = ((0..1500).map(example).collect(), (1500..1700).map(example).collect());
    let config = TrainConfig { epochs: 10, rate: 0.02, loss: Loss::SquaredError, watch: Watch::Loss, ..config() };
    let config = TrainConfig { weight_decay: 0.0, threads: 0, ..config };
    for variant in ["gru", "lstm"] {
        let layers =
            vec![LayerSpec::cell(variant, 16), LayerSpec::from(Pool { over: Over::Last }), LayerSpec::dense(1)];
        let mut trainer = Trainer::new(&NetworkSpec::sequence(2, layers), &config).unwrap();
        trainer.run(&train, &valid, None, quiet).unwrap();
        let best = trainer.history()[trainer.best_epoch().unwrap() - 1].valid_loss;
        // Always saying 1 costs half the variance of the sum, 1/12.
        assert!(best < 0.1 / 12.0, "{variant}: {best}");
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
/// Every batch of every epoch stays within what is said beforehand, and that is no more than a batch of the longest takes.
#[test]
fn no_run_takes_more_memory_than_its_forecast() {
    for (variant, batch, shard) in [("lstm", 32, 8), ("gru-before", 20, 20)] {
        let config = TrainConfig { batch, shard, ..config() };
        let said = forecast(&spec(variant), &config, &TRAIN, &VALID, None).unwrap();
        let mut trainer = Trainer::new(&spec(variant), &config).unwrap();
        trainer.run(&TRAIN, &VALID, None, quiet).unwrap();
        let found = trainer.memory();
        assert_eq!((said.sequences, said.longest), (150, 24));
        assert_eq!((found.parameters, found.optimizer_bytes), (said.memory.parameters, said.memory.optimizer_bytes));
        let [found, said] = [found.activation_bytes, said.memory.activation_bytes];
        assert!(found <= said && found * 10 >= said * 8, "{variant}: {found} of {said}");
    }
}

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
        let mut one = || Sequence::new((0..8).map(|_| next()).collect(), Target::Class(u32::from(next() > 0.0)));
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
        rate: 1e3,
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
        let mut trainer = Trainer::new(&NetworkSpec::sequence(2, layers), &config()).unwrap();
        let data = vec![Sequence::new(vec![0.5; frames], target)];
        trainer.run(&data, &data, None, quiet).map_err(|e| e.to_string())
    };
    let pooled = || vec![LayerSpec::cell("srn", 2), LayerSpec::from(Pool { over: Over::Last }), LayerSpec::dense(2)];
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
    assert_eq!(
        wrong,
        "there are no training sequences; add some to the data, and see data.valid_share, or train.watch = \"last\" where none are to validate on"
    );
}

/// [`FirstSign`] with every class wrong.
struct Wrong;

impl Dataset for Wrong {
    fn len(&self) -> usize {
        TRAIN.len()
    }
    fn get(&self, index: usize, epoch_seed: Option<u64>) -> Sequence {
        let right = TRAIN.get(index, epoch_seed);
        let Target::Class(class) = right.target else { unreachable!() };
        Sequence { target: Target::Class(1 - class), ..right }
    }
}

/// A network that learns from a teacher alone answers as it does, whatever the labels are.
#[test]
fn a_teacher_is_learned_from() {
    let teacher = || trained(&TrainConfig { epochs: 12, ..config() }).into_best();
    let accuracy = |weight: f64| {
        let config = TrainConfig { epochs: 12, watch: Watch::Last, teacher_weight: weight, ..config() };
        let trainer = Trainer::new(&spec("srn"), &config).unwrap();
        let mut trainer = trainer.with_teacher(Some(teacher())).unwrap();
        trainer.run(&Wrong, &VALID, None, quiet).unwrap();
        trainer.history()[11].valid_accuracy
    };
    let [alone, without] = [1.0, 0.0].map(accuracy);
    assert!(alone >= 0.95 && without <= 0.05, "{alone} {without}");
    let other = NetworkSpec::sequence(2, vec![LayerSpec::cell("gru", 4), LayerSpec::dense(2)]);
    let wrong = Trainer::new(&other, &config()).unwrap().with_teacher(Some(teacher())).unwrap_err().to_string();
    assert_eq!(
        wrong,
        "'teacher' must be the run of a classifier of sequences with 2 inputs and 2 classes, one at every step"
    );
}
