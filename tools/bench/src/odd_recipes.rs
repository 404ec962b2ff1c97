//! `odd-recipes`: recipes with odd values. Every key of several recipes is set to values that no one means, and each recipe is
//! trained for an epoch by a process of its own. It must train, or be rejected by a sentence that names the key and the value or
//! the line. A panic, an abort or a hang is a fault, and so is a network that trains and then cannot be quantized.

use anyhow::{Context, Result};
use elman_figures::root;
use elman_quant::synthetic::Numbers;
use elman_recipe::Recipe;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Arguments of `odd-recipes`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Every n-th recipe only
    #[arg(long, default_value_t = 1)]
    pub every: usize,
    /// Seconds after which a run counts as hanging
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// Also this many structures of random layers
    #[arg(long, default_value_t = 900)]
    pub structures: usize,
    /// Shows every recipe that is rejected without its key's name
    #[arg(long)]
    pub unnamed: bool,
}

/// Memory that a run may have, in KB.
const MEMORY: u64 = 8_000_000;

/// A recipe, and where its data are.
struct Base {
    name: &'static str,
    recipe: &'static str,
    data: Data,
}

#[derive(Clone, Copy)]
enum Data {
    /// Generated.
    None,
    /// The recordings that come with the tools.
    Bundled,
    /// A few trees in brackets.
    Trees,
}

const BASES: [Base; 8] = [
    Base {
        name: "words",
        recipe: "[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", units = 4, dropout = 0.1 }, { layer = \"norm\" }, \
                 { layer = \"pool\", over = \"mean\" }]",
        data: Data::Bundled,
    },
    Base {
        name: "stream",
        recipe: "[network]\nlayers = [{ layer = \"cell\", variant = \"lstm\", units = 4 }]\n[stream]\nstreams = 4\nseconds = 2.0\n\
                 valid_hours = 0.005\nhard_negatives_every = 1\nhard_negatives_streams = 2",
        data: Data::Bundled,
    },
    Base {
        name: "adding",
        recipe: "[data]\ngenerate = \"adding\"\ncount = 60\nsteps = 20\n[network]\nlayers = [{ layer = \"dense\", outputs = 3, \
                 activation = \"tanh\" }, { layer = \"cell\", variant = \"srn\", units = 4, bidirectional = true }, { layer = \
                 \"pool\", over = \"last\" }]\n[train]\nloss = \"squared-error\"",
        data: Data::None,
    },
    Base {
        name: "copy",
        recipe: "[data]\ngenerate = \"copy\"\ncount = 60\nsteps = 20\n[network]\nlayers = [{ layer = \"one-hot\" }, { layer = \
                 \"delay\", taps = 2 }, { layer = \"cell\", variant = \"residual-1\", units = 4 }]",
        data: Data::None,
    },
    Base {
        name: "pendulum",
        recipe: "[data]\ngenerate = \"pendulum\"\ncount = 6\nsteps = 60\n[network]\nlayers = [{ layer = \"narx\", outputs = 1, \
                 input_taps = 1, output_taps = 2, hidden = 4, activation = \"tanh\" }]\n[train]\nloss = \"squared-error\"",
        data: Data::None,
    },
    Base {
        name: "reverse",
        recipe: "[data]\ngenerate = \"reverse\"\ncount = 60\n[network.seq2seq]\nencoder = [{ layer = \"embedding\", units = 4 }, \
                 { layer = \"cell\", variant = \"gru\", units = 4 }]\ndecoder = [{ layer = \"embedding\", units = 4 }, { layer = \
                 \"cell\", variant = \"gru\", units = 4 }]\nattention = { score = \"scaled\", units = 4 }",
        data: Data::None,
    },
    Base {
        name: "sensors",
        recipe: "[data]\ngenerate = \"sensors\"\ncount = 60\nsteps = 4\n[network.graph]\nnode = [{ layer = \"dense\", outputs = 4 \
                 }]\nmessage = [{ layer = \"dense\", outputs = 4 }, { layer = \"pool\", over = \"mean\" }]\nupdate = { layer = \
                 \"cell\", variant = \"gru\", units = 4 }\nrounds = 2",
        data: Data::None,
    },
    Base {
        name: "trees",
        recipe: "[data]\nformat = \"ptb\"\n[network.tree]\nleaf = [{ layer = \"embedding\", units = 4 }]\ncompose = { layer = \
                 \"dense\", outputs = 4, activation = \"tanh\" }",
        data: Data::Trees,
    },
];

/// What a key is set to: numbers at the ends of what types hold, and things of other types.
const VALUES: [&str; 22] = [
    "0",
    "1",
    "2",
    "-1",
    "7",
    "255",
    "65536",
    "2147483648",
    "4611686018427387904",
    "-9223372036854775808",
    "0.0",
    "0.5",
    "-0.5",
    "1e-300",
    "1e300",
    "nan",
    "inf",
    "-inf",
    "\"\"",
    "\"x\"",
    "true",
    "[]",
];

/// Keys that ask for a long run.
const LONG: [&str; 6] =
    ["train.epochs", "data.count", "data.steps", "stream.streams", "stream.seconds", "stream.valid_hours"];

/// A key's place: names, and numbers of list items.
type Place = Vec<String>;

fn places(value: &toml::Value, at: &Place, found: &mut Vec<Place>) {
    let mut inner = |name: String, value: &toml::Value| {
        let place: Place = at.iter().cloned().chain([name]).collect();
        places(value, &place, found);
    };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| inner(key.clone(), value)),
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            items.iter().enumerate().for_each(|(k, value)| inner(k.to_string(), value));
        }
        _ => found.push(at.clone()),
    }
}

/// Puts a value at a place.
fn set(value: &mut toml::Value, place: &[String], to: toml::Value) {
    let Some((name, rest)) = place.split_first() else {
        *value = to;
        return;
    };
    let inner = match value {
        toml::Value::Table(table) => table.get_mut(name),
        toml::Value::Array(items) => name.parse::<usize>().ok().and_then(|k| items.get_mut(k)),
        _ => None,
    };
    if let Some(inner) = inner {
        set(inner, rest, to);
    }
}

/// What a process came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Trained,
    /// Rejected, with the key's name and its value or line.
    Rejected,
    /// Rejected without one of them.
    Unnamed,
    /// Rejected by `quantize` after training.
    Late,
    Panic,
    Abort,
    Hang,
}

/// Runs `elman`; its exit code, if it has one, and stderr. `None` where it did not end.
fn run(elman: &Path, words: &[&str], dir: &Path, seconds: u64) -> Result<Option<(Option<i32>, String)>> {
    let log = dir.join("log");
    let script = format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"");
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .arg(elman)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log)?)
        .spawn()
        .context("sh does not start")?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some((status.code(), String::from_utf8_lossy(&std::fs::read(&log)?).into_owned())));
        }
        if begun.elapsed() > Duration::from_secs(seconds) {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Trains a recipe, and quantizes what it gave.
fn one(elman: &Path, text: &str, data: &Path, key: &str, value: &str, seconds: u64) -> Result<(Outcome, String)> {
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(dir.path().join("recipe.toml"), text)?;
    let (recipe, out) = (at("recipe.toml"), at("run"));
    let data = data.display().to_string();
    let words = ["train", &recipe, "--data", &data, "--out", &out, "--threads", "1"];
    let Some((code, said)) = run(elman, &words, dir.path(), seconds)? else {
        return Ok((Outcome::Hang, String::new()));
    };
    let outcome = match code {
        Some(0) => match run(elman, &["quantize", &out], dir.path(), seconds)? {
            Some((Some(0), _)) => Outcome::Trained,
            Some((Some(101), said)) => return Ok((Outcome::Panic, said)),
            Some((_, said)) => return Ok((Outcome::Late, said)),
            None => Outcome::Hang,
        },
        Some(1 | 2) => {
            let named = said.contains(key) && (said.contains(value.trim_matches('"')) || said.contains("line "));
            if named { Outcome::Rejected } else { Outcome::Unnamed }
        }
        Some(101) => Outcome::Panic,
        _ => Outcome::Abort,
    };
    Ok((outcome, said))
}

/// A layer of any kind, most of them as they make sense.
fn layer(numbers: &mut Numbers) -> String {
    let mut pick = |from: &[&str]| from[numbers.between(0, from.len() as i64 - 1) as usize].to_owned();
    let units = pick(&["1", "3", "4", "4", "4", "4"]);
    match pick(&[
        "cell",
        "cell",
        "dense",
        "embedding",
        "one-hot",
        "delay",
        "stride",
        "conv",
        "pool",
        "norm",
        "dropout",
        "narx",
    ])
    .as_str()
    {
        "cell" => {
            let variant = pick(&[
                "srn",
                "gru",
                "lstm",
                "lstm-peephole",
                "residual-2",
                "residual-1",
                "tree-lstm",
                "gru-before",
                "lstm-coupled",
                "min-gru",
                "min-lstm",
                "li-gru",
                "fast-grnn",
                "lstm-projected",
                "gru-low-rank",
            ]);
            let both = pick(&["false", "false", "false", "true"]);
            let dropout = pick(&["0.0", "0.0", "0.2"]);
            format!(
                "{{ layer = \"cell\", variant = \"{variant}\", units = {units}, bidirectional = {both}, dropout = {dropout} }}"
            )
        }
        "dense" => {
            let activation = pick(&["linear", "tanh", "relu", "sigmoid"]);
            format!("{{ layer = \"dense\", outputs = {units}, activation = \"{activation}\" }}")
        }
        "embedding" => format!("{{ layer = \"embedding\", units = {units} }}"),
        "one-hot" => "{ layer = \"one-hot\" }".to_owned(),
        "delay" => format!("{{ layer = \"delay\", taps = {units}, stride = {} }}", pick(&["1", "2"])),
        "stride" => format!("{{ layer = \"stride\", by = {units} }}"),
        "conv" => format!("{{ layer = \"conv\", outputs = {units}, kernel = 3, stride = {} }}", pick(&["1", "2"])),
        "pool" => format!("{{ layer = \"pool\", over = \"{}\" }}", pick(&["last", "mean", "sum", "max"])),
        "narx" => format!(
            "{{ layer = \"narx\", outputs = {units}, input_taps = 1, output_taps = 1, hidden = 2, activation = \"tanh\" }}"
        ),
        "dropout" => "{ layer = \"dropout\", rate = 0.1 }".to_owned(),
        _ => "{ layer = \"norm\" }".to_owned(),
    }
}

/// Up to `most` layers, at least `least`; the first of a chain over symbols is mostly one that reads them.
fn layers(numbers: &mut Numbers, least: i64, most: i64, symbols: bool) -> String {
    let count = numbers.between(least, most);
    let mut all: Vec<String> = (0..count).map(|_| layer(numbers)).collect();
    if symbols && numbers.between(0, 4) > 0 {
        all.insert(0, "{ layer = \"embedding\", units = 4 }".to_owned());
    }
    format!("[{}]", all.join(", "))
}

/// A recipe of random layers, and where its data are.
fn structure(seed: u64) -> (String, Data) {
    let mut numbers = Numbers(seed);
    let n = &mut numbers;
    let score = ["none", "dot", "scaled", "additive"][n.between(0, 3) as usize];
    let (text, data) = match seed % 5 {
        0 => (
            format!(
                "[data]\ngenerate = \"reverse\"\ncount = 40\n[network.seq2seq]\nencoder = {}\ndecoder = {}\nbridge = {}\nhead = \
                 {}\nbeams = {}\nattention = {{ score = \"{score}\", units = {} }}",
                layers(n, 1, 3, true),
                layers(n, 1, 2, true),
                layers(n, 0, 1, false),
                layers(n, 0, 1, false),
                n.between(1, 3),
                n.between(0, 4)
            ),
            Data::None,
        ),
        1 => (
            format!(
                "[data]\nformat = \"ptb\"\n[network.tree]\nleaf = {}\ncompose = {}\nhead = {}\nroots = {}",
                layers(n, 0, 2, true),
                layer(n),
                layers(n, 0, 1, false),
                n.between(1, 2)
            ),
            Data::Trees,
        ),
        2 => (
            format!(
                "[data]\ngenerate = \"sensors\"\ncount = 40\nsteps = 4\n[network.graph]\nnode = {}\nedge = {}\nmessage = {}\n\
                 update = {}\nrounds = {}\nshared = {}\nhead = {}",
                layers(n, 1, 2, false),
                layers(n, 0, 1, false),
                layers(n, 1, 3, false),
                layer(n),
                n.between(1, 3),
                n.between(0, 1) == 0,
                layers(n, 0, 2, false)
            ),
            Data::None,
        ),
        3 => (
            format!(
                "[data]\ngenerate = \"copy\"\ncount = 40\nsteps = 12\n[network]\nlayers = {}",
                layers(n, 0, 4, true)
            ),
            Data::None,
        ),
        _ => (
            format!(
                "[data]\ngenerate = \"adding\"\ncount = 40\nsteps = 12\n[network]\nlayers = {}\n[train]\nloss = \
                 \"squared-error\"",
                layers(n, 0, 4, false)
            ),
            Data::None,
        ),
    };
    let train = if text.contains("[train]") { "\nepochs = 1\n" } else { "\n[train]\nepochs = 1\n" };
    (text + train, data)
}

/// A few trees in brackets, two classes.
fn trees(dir: &Path) -> Result<()> {
    let line = |k: usize| match k % 2 {
        0 => format!("(1 (1 good) (0 (0 w{}) (1 fine)))\n", k % 5),
        _ => format!("(0 (0 bad) (1 (0 w{}) (0 poor)))\n", k % 5),
    };
    for (file, n) in [("train.txt", 40), ("dev.txt", 10), ("test.txt", 10)] {
        std::fs::write(dir.join(file), (0..n).map(line).collect::<String>())?;
    }
    Ok(())
}

type Counts = BTreeMap<Outcome, usize>;

fn added(mut a: Counts, b: Counts) -> Result<Counts> {
    b.into_iter().for_each(|(outcome, n)| *a.entry(outcome).or_insert(0) += n);
    Ok(a)
}

/// Runs the campaign; failure where one is a fault.
///
/// # Errors
/// Where `elman` is not built, or a process does not start.
pub fn campaign(args: &Args) -> Result<ExitCode> {
    let here = std::env::current_exe().context("where this program is")?;
    let elman = here.with_file_name("elman");
    anyhow::ensure!(elman.is_file(), "{} is not built: cargo build --release -p elman-tools", elman.display());
    let folder = tempfile::tempdir()?;
    trees(folder.path())?;
    let bundled = root().join("tools/data");
    let mut work = Vec::new();
    for base in &BASES {
        let recipe = Recipe::parse(base.recipe).map_err(|e| anyhow::anyhow!("{}: {e}", base.name))?;
        let mut resolved: toml::Value = toml::from_str(&recipe.to_toml()?)?;
        set(&mut resolved, &["train".into(), "epochs".into()], toml::Value::Integer(1));
        let mut found = Vec::new();
        places(&resolved, &Vec::new(), &mut found);
        for place in found {
            work.extend(VALUES.iter().map(|value| (base, resolved.clone(), place.clone(), *value)));
        }
    }
    let counts = work
        .par_iter()
        .step_by(args.every.max(1))
        .map(|(base, resolved, place, value)| -> Result<Counts> {
            let mut table = resolved.clone();
            let to: toml::Table = format!("v = {value}").parse()?;
            set(&mut table, place, to.get("v").cloned().context("a value")?);
            let (text, key) = (toml::to_string(&table)?, place.join("."));
            let data = match base.data {
                Data::Bundled => bundled.as_path(),
                Data::None | Data::Trees => folder.path(),
            };
            let name = place.last().map_or("", String::as_str);
            let (mut outcome, said) = one(&elman, &text, data, name, value, args.seconds)?;
            if outcome == Outcome::Hang && LONG.contains(&key.as_str()) {
                outcome = Outcome::Trained;
            }
            let fault = matches!(outcome, Outcome::Late | Outcome::Panic | Outcome::Abort | Outcome::Hang);
            if fault || (args.unnamed && outcome == Outcome::Unnamed) {
                let said = said.lines().find(|l| l.contains("panicked") || l.starts_with("error")).unwrap_or_default();
                println!("{outcome:?}: {}, {key} = {value}: {said}", base.name);
            }
            Ok([(outcome, 1)].into())
        })
        .try_reduce(BTreeMap::new, added)?;
    let random = (0..args.structures as u64)
        .into_par_iter()
        .map(|seed| -> Result<Counts> {
            let (text, data) = structure(seed);
            let data = if matches!(data, Data::Bundled) { bundled.as_path() } else { folder.path() };
            let (outcome, said) = one(&elman, &text, data, "", "", args.seconds)?;
            if matches!(outcome, Outcome::Late | Outcome::Panic | Outcome::Abort | Outcome::Hang) {
                let said = said.lines().find(|l| l.contains("panicked") || l.starts_with("error")).unwrap_or_default();
                println!("{outcome:?}: structure {seed}: {said}\n{text}");
            }
            Ok([(outcome, 1)].into())
        })
        .try_reduce(BTreeMap::new, added)?;
    let of = |outcome| random.get(&outcome).copied().unwrap_or(0);
    println!("{} structures: {} trained, {} rejected", args.structures, of(Outcome::Trained), of(Outcome::Rejected));
    let counts = added(counts, random)?;
    let list: Vec<String> = counts.iter().map(|(outcome, n)| format!("{n} {outcome:?}")).collect();
    println!("{} runs: {}", counts.values().sum::<usize>(), list.join(", "));
    let faults = [Outcome::Late, Outcome::Panic, Outcome::Abort, Outcome::Hang];
    Ok(if faults.iter().any(|f| counts.contains_key(f)) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
