//! Examples that are only evaluated: new ones without a training set, ones that are larger than the model's memory; parts of
//! data that are never trained on.

use std::path::{Path, PathBuf};

use elman_data::wav_bytes;
use serde_json::Value;

use crate::support::{elman, ok};

fn json(args: &[&str]) -> (Value, String) {
    let (out, notes) = ok(&[args, &["--json"]].concat());
    (serde_json::from_str(&out).unwrap(), notes)
}

/// Fails without a panic; gives stderr.
fn fails(args: &[&str]) -> String {
    let out = elman(args);
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success() && !stderr.contains("panicked"), "{args:?}: {stderr}");
    stderr
}

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Bench(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Trains the recipe on the folder `data`, and quantizes.
    fn run(&self, recipe: &str) {
        self.write("recipe.toml", recipe);
        ok(&["train", &self.at("recipe.toml"), "--data", &self.at("data"), "--out", &self.at("run")]);
        ok(&["quantize", &self.at("run")]);
    }
}

/// Clips of a tone, 0.2 s at 8 kHz, in a folder.
fn tones(folder: &Path, hz: f64, clips: std::ops::Range<usize>) {
    std::fs::create_dir_all(folder).unwrap();
    for clip in clips {
        let sample = |k: usize| {
            let turn = k as f64 * (hz + clip as f64) / 8000.0 * std::f64::consts::TAU;
            (turn.sin() * 6000.0) as i16 + ((k * 7919 + clip * 31) % 200) as i16
        };
        let samples: Vec<i16> = (0..1600).map(sample).collect();
        std::fs::write(folder.join(format!("{clip}.wav")), wav_bytes(&samples, 8000)).unwrap();
    }
}

const WORDS: &str = "[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", units = 4 }, { layer = \"pool\", over = \
                     \"last\" }]\n[augment]\nnoise_share = 0.5\n[train]\nepochs = 20\nbatch = 4\nrate = 0.02\n";

#[test]
fn new_recordings_alone_are_evaluated_by_the_labels_of_the_model() {
    let b = Bench::new();
    for (label, hz) in [("high", 1500.0), ("low", 300.0), ("mid", 800.0)] {
        tones(&b.path("data").join(label), hz, 0..10);
    }
    b.write("recipe.toml", WORDS);
    let (_, notes) = ok(&["train", &b.at("recipe.toml"), "--data", &b.at("data"), "--out", &b.at("run")]);
    assert!(notes.contains("augment.noise_share = 0.5, and") && notes.contains("white noise takes"), "{notes}");
    ok(&["quantize", &b.at("run")]);
    let own = json(&["eval", &b.at("run"), "--data", &b.at("data")]).0;
    let before = std::fs::read_to_string(b.path("run/results.json")).unwrap();

    // Two of three labels, one of them with a single clip, in one heap, and no background: nothing is trained on.
    tones(&b.path("new/mid"), 800.0, 20..25);
    tones(&b.path("new/high"), 1500.0, 20..21);
    let (new, notes) = json(&["eval", &b.at("run"), "--data", &b.at("new")]);
    assert_eq!((&new["split"], &new["examples"]), (&"all".into(), &6.into()));
    assert_eq!(new["labels"], serde_json::json!(["high", "low", "mid"]));
    let confusion = &new["integer_confusion"]["counts"];
    let row = |k: usize| confusion[k].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>();
    assert_eq!([row(0), row(1), row(2)], [1, 0, 5]);
    assert!(!notes.contains("noise_share"), "{notes}");
    assert_ne!(own["examples"], new["examples"]);

    // The run's own results stay; the other report has a name of its own.
    assert_eq!(std::fs::read_to_string(b.path("run/results.json")).unwrap(), before);
    let report = std::fs::read_to_string(b.path("run/report-new.html")).unwrap();
    assert!(report.contains("6 examples, all that there are"));
    assert!(!std::fs::read_to_string(b.path("run/report.html")).unwrap().contains("all that there are"));
    let (text, _) = ok(&["eval", &b.at("run"), "--data", &b.at("new")]);
    assert!(text.contains("is not the data of the run; report:") && text.contains("report-new.html"), "{text}");

    tones(&b.path("other/mid"), 800.0, 20..25);
    tones(&b.path("other/very low"), 100.0, 20..25);
    let unknown = fails(&["eval", &b.at("run"), "--data", &b.at("other")]);
    assert!(
        unknown.contains("has the labels mid very low, the model high low mid: take out or rename very low"),
        "{unknown}"
    );

    // A test part alone, and a mix of it.
    for k in 0..5 {
        let name = format!("test/mid/{k}.wav");
        b.write(&format!("testing/{name}"), std::fs::read(b.path(&format!("new/mid/{}.wav", k + 20))).unwrap());
    }
    let (test, _) = json(&["eval", &b.at("run"), "--data", &b.at("testing")]);
    assert_eq!((&test["split"], &test["examples"]), (&"test".into(), &5.into()));
    let (mixed, _) = ok(&["mix", "--data", &b.at("testing"), "--hours", "0.005", "--to", &b.at("mixed")]);
    assert!(mixed.contains("0.01 h") || mixed.contains("0.00 h"), "{mixed}");
    assert!(std::fs::read_to_string(b.path("mixed/mix-101000.txt")).unwrap().contains("mid"));
    assert!(fails(&["train", &b.at("recipe.toml"), "--data", &b.at("testing"), "--out", &b.at("x")]).contains("train"));
}

#[test]
fn data_check_lists_background() {
    let b = Bench::new();
    for (label, hz) in [("high", 1500.0), ("low", 300.0)] {
        tones(&b.path("data").join(label), hz, 0..5);
    }
    assert!(ok(&["data", "check", &b.at("data")]).0.contains("noise        none: background is recordings in noise/"));
    tones(&b.path("data/noise"), 50.0, 0..5);
    tones(&b.path("data/_background_noise_"), 50.0, 0..5);
    assert!(ok(&["data", "check", &b.at("data")]).0.contains("noise        10 recordings of background, 2 s"));
}

const TEXTS: &str = "[data]\nunit = \"characters\"\n[network]\nlayers = [{ layer = \"embedding\", units = 4 }, { layer = \
                     \"cell\", variant = \"gru\", units = 4 }, { layer = \"pool\", over = \"last\" }]\n[train]\nepochs = \
                     2\nbatch = 4\n";

#[test]
fn new_texts_of_one_label_are_evaluated() {
    let b = Bench::new();
    b.write("data/Wolf.txt", "ulv\nvarg\nvuk\nlobo\nlupo\nloup\nwolf\nvlk\nhunt\nsusi");
    b.write("data/Bear.txt", "medved\nurs\noso\nbear\nours\nbjorn\nkaru\nkarhu\nmackó\nari");
    b.run(TEXTS);
    b.write("new/Wolf.txt", "vilkas\nvovk\nvilks");
    b.write("new/Cat.txt", "gato\nchat");
    let unknown = fails(&["eval", &b.at("run"), "--data", &b.at("new")]);
    assert!(unknown.contains("the label \"Cat\" is not among the model's: Bear Wolf"), "{unknown}");
    b.write("new/Cat.txt", "");
    std::fs::remove_file(b.path("new/Cat.txt")).unwrap();
    b.write("new/Bear.txt", "lokys");
    let (new, _) = json(&["eval", &b.at("run"), "--data", &b.at("new")]);
    assert_eq!((&new["split"], &new["examples"]), (&"all".into(), &4.into()));
    // A blob alone, by its own labels too.
    let blob = b.at("run/model.elman");
    let (blob, _) =
        json(&["eval", &blob, "--data", &b.at("new"), "--recipe", &b.at("recipe.toml"), "--split", "train"]);
    assert_eq!(blob["labels"], serde_json::json!(["Bear", "Wolf"]));
}

const TREES: &str = "[data]\nformat = \"brackets\"\nvalid_share = 0.2\n[network.tree]\nleaf = [{ layer = \"embedding\", units = \
                     4 }]\ncompose = { layer = \"dense\", outputs = 4, activation = \"tanh\" }\n[train]\nepochs = 2\nbatch \
                     = 4\n";

/// A tree of so many leaves.
fn tree(leaves: usize, word: &str) -> String {
    (1..leaves).fold(word.to_owned(), |tree, _| format!("( {tree} b )"))
}

#[test]
fn an_example_that_does_not_fit_counts_as_wrong_and_ends_nothing() {
    let b = Bench::new();
    let lines = |of: &[usize]| -> String {
        of.iter().enumerate().map(|(k, n)| format!("{}\t{}\n", k % 2, tree(*n, ["a", "c"][k % 2]))).collect()
    };
    b.write("data/train.tsv", lines(&[2, 3, 4, 5, 4, 3, 2, 5, 4, 3, 5, 4, 3, 2, 5, 4, 3, 2, 3, 4]));
    b.write("data/test.tsv", lines(&[2, 3, 20, 6, 21, 4]));
    b.run(TREES);
    // 9 nodes of the largest tree, times 1.25.
    let seen = json(&["inspect", &b.at("run")]).0;
    assert_eq!(seen["structure"]["Tree"]["max_nodes"], 12, "{}", seen["structure"]);
    let (found, notes) = json(&["eval", &b.at("run"), "--data", &b.at("data")]);
    let wanted = "2 of 6 examples do not fit into the model's memory and count as wrong (test.tsv:3: 39 nodes";
    assert!(notes.contains(wanted) && notes.contains("raise `margin` of [network.tree]"), "{notes}");
    assert!(found["integer"][0]["value"].as_f64().unwrap() <= 4.0 / 6.0 + 1e-9);
    let unanswered = found["integer_confusion"]["unanswered"].as_array().unwrap();
    assert_eq!(unanswered.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), 2);

    b.write("lines.txt", format!("{}\n{}\n{}\n", tree(2, "a"), tree(30, "c"), tree(3, "c")));
    let (text, _) = ok(&["run", &b.at("run"), &b.at("lines.txt")]);
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.lines().nth(1).unwrap().starts_with("does not fit"), "{text}");
    assert!(!text.contains("damaged"));

    // A larger margin, and they fit.
    let margin = TREES.replace("[train]", "margin = 5.0\n[train]");
    b.write("recipe.toml", margin);
    ok(&["train", &b.at("recipe.toml"), "--data", &b.at("data"), "--out", &b.at("run"), "--force"]);
    ok(&["quantize", &b.at("run")]);
    assert!(!json(&["eval", &b.at("run"), "--data", &b.at("data")]).1.contains("do not fit"));
    assert!(
        fails(&["train", &b.at("recipe.toml"), "--data", &b.at("data"), "--set", "network.tree.margin=0.5"])
            .contains("margin")
    );
}

#[test]
fn messages_name_what_chooses_a_part() {
    let b = Bench::new();
    for name in ["d20a_train.tsv", "d20a_test.tsv", "d20s_train.tsv", "d20s_test.tsv"] {
        b.write(&format!("sets/{name}"), "0\t( a b )\n1\t( b a )\n");
    }
    let error = fails(&["data", "check", &b.at("sets"), "--set", "format = \"brackets\""]);
    assert!(error.contains("(d20a, d20s); choose one with option `files`, as in files = \"d20a\""), "{error}");
    ok(&["data", "check", &b.at("sets"), "--set", "format = \"brackets\"", "--set", "files = \"d20s\""]);

    for size in 0..4 {
        b.write(&format!("sized/train{size}"), "0\t( a b )\n1\t( b a )\n");
    }
    let set = ["--set", "format = \"brackets\"", "--set", "max_size = 1"];
    let (text, _) = ok(&[&["data", "check", &b.at("sized")][..], &set].concat());
    assert!(text.contains("2 file(s) of a size above max_size = 1 not read: `train2`, `train3`"), "{text}");

    let graphs = "4\n2 0\n0 1 1\n1 1 0\n2 1\n1 1 1\n1 1 0\n2 0\n0 1 1\n1 1 0\n2 1\n1 1 1\n1 1 0\n";
    b.write("tu/MUTAG_folds.txt", graphs);
    b.write("tu/MUTAG_fold_of_graph.txt", "1\n1\n2\n2\n");
    let (text, _) = ok(&["data", "check", &b.at("tu")]);
    assert!(text.contains("DGCNN graphs") && text.contains("`folds` names one of folds"), "{text}");
    let (text, _) =
        ok(&["data", "check", &b.at("tu"), "--set", "folds = \"MUTAG_fold_of_graph.txt\"", "--set", "fold = 1"]);
    assert!(text.contains("test         2 examples") && !text.contains("names one of folds"), "{text}");
    b.write("tu/NCI1_folds.txt", graphs);
    let error = fails(&["data", "check", &b.at("tu")]);
    assert!(error.contains("several sets (MUTAG_folds.txt, NCI1_folds.txt)") && error.contains("`files`"), "{error}");
}
