//! Data that is no sound, from files to integers, as a new user runs it: tags of words, text, series, windows, commands.

use std::path::Path;
use std::process::Command;

use elman_quant::synthetic::Numbers;
use serde_json::Value;

fn ok(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&ok(args)).unwrap()
}

struct Task {
    dir: tempfile::TempDir,
}

impl Task {
    /// A folder `data` with these files and a recipe.
    fn new(files: &[(&str, String)], recipe: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join("data").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        std::fs::write(dir.path().join("recipe.toml"), recipe).unwrap();
        Task { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// Trains, rounds and evaluates: the figures of float and integers.
    fn figures(&self) -> (Value, Value) {
        let (recipe, data, run) = (self.path("recipe.toml"), self.path("data"), self.path("run"));
        ok(&["train", &recipe, "--data", &data, "--out", &run, "--watch"]);
        ok(&["quantize", &run]);
        let evaluated = json(&["eval", &run, "--data", &data, "--json"]);
        assert!(Path::new(&self.path("run/report.html")).exists());
        (evaluated["float"].clone(), evaluated["integer"].clone())
    }
}

fn value(figures: &Value, name: &str) -> f64 {
    let all = figures.as_array().unwrap();
    all.iter().find(|f| f["name"] == name).unwrap_or_else(|| panic!("{name} in {figures}"))["value"].as_f64().unwrap()
}

/// Sentences in which a name follows "call" and a place "in": the word before decides.
fn sentences(count: usize, seed: u64) -> (String, String) {
    let mut numbers = Numbers(seed);
    let (mut words, mut tags) = (String::new(), String::new());
    for _ in 0..count {
        let word = ["ada", "bo", "cy", "dee"][numbers.between(0, 3) as usize];
        let place = ["ada", "rome", "oslo"][numbers.between(0, 2) as usize];
        if numbers.between(0, 1) == 0 {
            words += &format!("please call {word} {word} in {place} now\n");
            tags += "O O B-who I-who O B-where O\n";
        } else {
            words += &format!("in {place} call {word}\n");
            tags += "O B-where O B-who\n";
        }
    }
    (words, tags)
}

const TAGGER: &str = r#"
name = "slots"
[data]
task = "tag"
[sequences]
symbol_dropout = 0.05
[network]
layers = [
    { layer = "embedding", units = 8 },
    { layer = "cell", variant = "gru", units = 10, bidirectional = true, dropout = 0.1 },
]
[train]
epochs = 12
batch = 8
rate = 2e-2
"#;

#[test]
fn tags_of_words_in_both_directions() {
    let mut files = Vec::new();
    for (split, count) in [("train", 120), ("valid", 30)] {
        let (words, tags) = sentences(count, count as u64);
        files.push((format!("{split}/seq.in"), words));
        files.push((format!("{split}/seq.out"), tags));
        files.push((format!("{split}/label"), "call\n".repeat(count)));
    }
    let files: Vec<(&str, String)> = files.iter().map(|(n, c)| (n.as_str(), c.clone())).collect();
    let task = Task::new(&files, TAGGER);
    let (float, integer) = task.figures();
    assert!(value(&float, "entity F1") > 0.95, "{float}");
    assert!(value(&integer, "entity F1") > 0.95, "{integer}");

    let drawn = json(&["eval", &task.path("run"), "--data", &task.path("data"), "--mc", "5", "--json"]);
    assert!(drawn["monte_carlo"]["accuracy"].as_f64().unwrap() > 0.9, "{drawn}");
    assert!(drawn["monte_carlo"]["spread_right"].as_f64().unwrap() > 0.0, "{drawn}");
    let text = task.path("text.txt");
    std::fs::write(&text, "in oslo call nobody\n\nplease call bo bo in rome now\n").unwrap();
    let said = ok(&["run", &task.path("run"), &text]);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains("oslo/B-where") && said.contains("bo/B-who bo/I-who"), "{said}");
    let near = json(&["neighbours", &task.path("run"), "bo", "--count", "2", "--json"]);
    assert_eq!(near["neighbours"].as_array().unwrap().len(), 2);
    let long = task.path("long.txt");
    std::fs::write(&long, "call ".repeat(50)).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(["run", &task.path("run"), &long]).output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(1) && stderr.contains("long.txt:1") && stderr.contains("50"), "{stderr}");
}

#[test]
fn a_language_model_writes_what_it_read() {
    let text = |n: usize| "abc abd é\n".repeat(n);
    let recipe = r#"
name = "letters"
[data]
unit = "characters"
[sequences]
window = 20
washout = 3
[network]
layers = [{ layer = "embedding", units = 6 }, { layer = "cell", variant = "lstm", units = 16 }]
[train]
epochs = 25
batch = 8
rate = 2e-2
watch = "loss"
"#;
    let task = Task::new(&[("train.txt", text(60)), ("valid.txt", text(10))], recipe);
    let (float, integer) = task.figures();
    // Only the letter behind "ab" needs memory; everything can be known.
    assert!(value(&float, "nats per symbol") < 0.15, "{float}");
    assert!(value(&integer, "nats per symbol") < 0.2, "{integer}");
    let wrote = ok(&["generate", &task.path("run"), "--prompt", "abc", "--count", "17", "--temperature", "0"]);
    assert_eq!(wrote, "abc abd é\nabc abd é\n\n");
    let draw = |seed: &str| ok(&["generate", &task.path("run"), "--seed", seed, "--temperature", "2", "--count", "80"]);
    assert_eq!(draw("5"), draw("5"));
    assert_ne!(draw("5"), draw("6"));
}

#[test]
fn a_series_is_simulated_in_closed_loop() {
    simulates(false);
    simulates(true);
}

/// A plant, by its outputs or by what they add to the ones before.
fn simulates(residual: bool) {
    // y_t = 0.9 y_(t-1) - 0.2 y_(t-2) + 0.5 u_t, in volts.
    let mut numbers = Numbers(3);
    let (mut csv, mut inputs, mut y) = ("u,y\n".to_owned(), String::new(), [0.0, 0.0]);
    for _ in 0..600 {
        let u = numbers.between(-1000, 1000) as f64 / 1000.0;
        y = [0.9 * y[0] - 0.2 * y[1] + 0.5 * u, y[0]];
        csv += &format!("{u},{}\n", y[0] + 3.0);
        inputs += &format!("{u}\n");
    }
    let recipe = r#"
name = "plant"
[data]
inputs = ["u"]
outputs = ["y"]
train = [[0, 399]]
valid = [[400, 499]]
test = [[500, 599]]
[sequences]
window = 50
washout = 5
washout_at_start = true
skip = 10
[network]
layers = [{ layer = "narx", hidden = 0, outputs = 1, input_taps = 1, output_taps = 2, closed = true, warmup = 2, residual = RESIDUAL }]
[train]
epochs = 400
batch = 4
rate = 3e-2
loss = "squared-error"
watch = "loss"
"#
    .replace("RESIDUAL", &residual.to_string());
    let task = Task::new(&[("plant.csv", csv)], &recipe);
    let (float, integer) = task.figures();
    assert!(value(&float, "NRMSE of y") < 0.02, "{float}");
    assert!(value(&integer, "NRMSE of y") < 0.03, "{integer}");

    // From the input alone, in volts, the loop closed from the first step on.
    let file = task.path("inputs.csv");
    std::fs::write(&file, inputs).unwrap();
    let said = ok(&["run", &task.path("run"), &file]);
    let last: f64 = said.lines().last().unwrap().parse().unwrap();
    assert!(said.lines().count() == 600 && (last - y[0] - 3.0).abs() < 0.05, "{last} {}", y[0] + 3.0);
    std::fs::write(&file, "0.5\nx\n").unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(["run", &task.path("run"), &file]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(1) && said.contains("inputs.csv, line 2: column `1`"), "{said}");
}

#[test]
fn windows_of_several_channels_are_classified() {
    classifies_strokes(
        r#"
    { layer = "delay", taps = 2 },
    { layer = "dense", outputs = 8, activation = "relu" },
    { layer = "cell", variant = "residual-2", units = 6 },
    { layer = "pool", over = "mean" },"#,
    );
}

#[test]
fn upper_layers_have_a_slower_clock() {
    classifies_strokes(
        r#"
    { layer = "conv", outputs = 8, kernel = 3, stride = 2, activation = "relu" },
    { layer = "cell", variant = "fast-grnn", units = 6 },
    { layer = "stride", by = 2 },
    { layer = "cell", variant = "min-gru", units = 6 },
    { layer = "pool", over = "last" },"#,
    );
}

#[test]
fn the_last_states_of_both_directions_are_read() {
    classifies_strokes(
        r#"
    { layer = "cell", variant = "gru", units = 6, bidirectional = true },
    { layer = "pool", over = "ends" },"#,
    );
}

/// Strokes of two kinds in windows of two channels, through these layers.
fn classifies_strokes(layers: &str) {
    let mut numbers = Numbers(5);
    let mut rows = |count: usize| -> String {
        (0..count)
            .map(|k| {
                let sign = if k % 2 == 0 { 1 } else { -1 };
                let points = (0..6).flat_map(|t| [t * 10 * sign + numbers.between(-5, 5), numbers.between(0, 50)]);
                points.map(|v| format!("{v},")).collect::<String>() + &format!("{}\n", k % 2)
            })
            .collect()
    };
    let files = [("strokes.tra", rows(80)), ("strokes.tes", rows(40))];
    let recipe = r#"
name = "strokes"
[data]
channels = 2
[network]
layers = [LAYERS
]
[train]
epochs = 20
batch = 8
rate = 1e-2
"#
    .replace("LAYERS", layers);
    let task = Task::new(&files, &recipe);
    let (float, integer) = task.figures();
    assert!(value(&float, "accuracy") >= 0.95 && value(&integer, "accuracy") >= 0.95, "{float} {integer}");
}

/// Commands like SCAN's: verbs, how often, and one behind another.
fn commands() -> Vec<String> {
    let mut single = Vec::new();
    for verb in ["walk", "run", "look", "jump"] {
        for (times, count) in [("", 1), (" twice", 2), (" thrice", 3)] {
            let action = format!("I_{}", verb.to_uppercase());
            single.push((format!("{verb}{times}"), vec![action; count].join(" ")));
        }
    }
    let line = |input: &str, output: &str| format!("IN: {input} OUT: {output}\n");
    let mut lines: Vec<String> = single.iter().map(|(input, output)| line(input, output)).collect();
    for (a, said_a) in &single {
        for (b, said_b) in &single {
            lines.push(line(&format!("{a} and {b}"), &format!("{said_a} {said_b}")));
            lines.push(line(&format!("{a} after {b}"), &format!("{said_b} {said_a}")));
        }
    }
    lines
}

const COMMANDER: &str = r#"
name = "commands"
[data]
[network.seq2seq]
encoder = [
    { layer = "embedding", units = 8 },
    { layer = "cell", variant = "gru", units = 12, bidirectional = true },
]
bridge = [{ layer = "dense", outputs = 16, activation = "tanh" }]
decoder = [{ layer = "embedding", units = 8 }, { layer = "cell", variant = "lstm", units = 16, dropout = 0.1 }]
attention = { score = "additive", units = 12 }
head = [{ layer = "dense", outputs = 16, activation = "tanh" }]
beams = 2
[train]
epochs = 40
batch = 8
rate = 1e-2
teacher_forcing = [1.0, 0.7]
"#;

#[test]
fn commands_become_actions() {
    let (mut test, mut train) = (String::new(), String::new());
    for (k, line) in commands().iter().enumerate() {
        if k % 9 == 4 { &mut test } else { &mut train }.push_str(line);
    }
    let task = Task::new(&[("train.txt", train), ("test.txt", test)], COMMANDER);
    let (float, integer) = task.figures();
    assert!(value(&float, "exact match") >= 0.9, "{float}");
    assert!(value(&integer, "exact match") >= value(&float, "exact match") - 0.06, "{float} {integer}");
    assert!(value(&integer, "BLEU") > 0.9 && value(&integer, "symbol accuracy") > 0.9, "{integer}");
    let page = std::fs::read_to_string(task.path("run/report.html")).unwrap();
    assert!(page.contains("<h2>Attention</h2>") && page.contains("I_WALK</text>"));
    let text = task.path("text.txt");
    std::fs::write(&text, "look twice\nrun after walk\n").unwrap();
    let said = ok(&["run", &task.path("run"), &text]);
    assert_eq!(said, "look twice  ->  I_LOOK I_LOOK\nrun after walk  ->  I_WALK I_RUN\n");
    let long = task.path("long.txt");
    std::fs::write(&long, "walk ".repeat(60)).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(["run", &task.path("run"), &long]).output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(1) && stderr.contains("long.txt:1") && stderr.contains("60"), "{stderr}");
}

/// A random tree over `one` and `zero` with the parity of its ones on every node.
fn parity(numbers: &mut Numbers, depth: usize) -> (i64, String) {
    if depth == 0 || numbers.between(0, 3) == 0 {
        let one = numbers.between(0, 1);
        return (one, format!("({one} {})", ["zero", "one"][one as usize]));
    }
    let ((left, l), (right, r)) = (parity(numbers, depth - 1), parity(numbers, depth - 1));
    let odd = (left + right) % 2;
    (odd, format!("({odd} {l} {r})"))
}

#[test]
fn trees_with_a_label_on_every_node() {
    let mut numbers = Numbers(4);
    let mut lines = |n: usize| (0..n).map(|_| parity(&mut numbers, 4).1 + "\n").collect::<String>();
    let recipe = "name = \"parity\"\n[data]\nformat = \"ptb\"\n[network.tree]\nleaf = [{ layer = \"embedding\", units = 8 \
                  }, { layer = \"cell\", variant = \"lstm\", units = 8 }]\ncompose = { layer = \"cell\", variant = \
                  \"tree-lstm\", units = 8 }\n[train]\nepochs = 15\nbatch = 16\nrate = 2e-2\n";
    let task = Task::new(&[("train.txt", lines(300)), ("test.txt", lines(60))], recipe);
    let (float, integer) = task.figures();
    for figures in [&float, &integer] {
        assert!(value(figures, "accuracy of all nodes") > 0.97, "{figures}");
        assert!(value(figures, "accuracy at the root") > 0.95, "{figures}");
    }
    let text = task.path("trees.txt");
    std::fs::write(&text, "(1 (0 zero) (1 one))\n\n( ( one one ) ( one zero ) )\n").unwrap();
    let said = ok(&["run", &task.path("run"), &text]);
    let lines: Vec<Vec<&str>> = said.lines().map(|l| l.splitn(2, ' ').map(str::trim).collect()).collect();
    assert_eq!(lines, [["1", "(1 (0 zero) (1 one))"], ["1", "(1 (0 (1 one) (1 one)) (1 (1 one) (0 zero)))"]]);
    let seen = json(&["inspect", &task.path("run"), "--json"]);
    assert!(seen["ram_bytes"].as_u64().unwrap() < seen["tree"]["ram_bytes_all_kept"].as_u64().unwrap(), "{seen}");
    std::fs::write(&text, "( one zero\n").unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(["run", &task.path("run"), &text]).output().unwrap();
    let problem = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(problem.contains("trees.txt:1") && problem.contains("1 `(` without their `)`"), "{problem}");
}
