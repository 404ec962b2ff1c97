//! `elman data` and `elman turing` as a user meets them.

use std::process::{Command, Output};

fn elman(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_elman")).args(args).output().unwrap()
}

fn ok(args: &[&str]) -> String {
    let out = elman(args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn fails(code: i32, args: &[&str]) -> String {
    let out = elman(args);
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

#[test]
fn data_check_says_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("Wolf.txt", "ulv\nvarg\nvuk\nlobo"), ("Bear.txt", "bjørn\nmedved\nurs\noso")] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let path = dir.path().to_str().unwrap();
    let text = ok(&["data", "check", path, "--set", "valid_share = 0.25"]);
    assert!(text.contains("a text file per class") && text.contains("carved out of train"), "{text}");
    assert!(text.contains("train        6 examples of 3 /"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&ok(&["data", "check", path, "--json"])).unwrap();
    assert_eq!((&json["task"], &json["unit"]), (&"class".into(), &"characters".into()));
    assert_eq!(json["splits"][0]["labels"]["Wolf"], 4);

    assert!(fails(2, &["data", "check", path, "--set", "unti = \"words\""]).contains("did you mean `unit`?"));
    assert!(fails(2, &["data", "check"]).contains("generate"));
    let recipe = dir.path().join("recipe.toml");
    std::fs::write(&recipe, "[data]\nunit = \"words\"\nvalid_share = 0.5\n").unwrap();
    let text = ok(&["data", "check", path, "--recipe", recipe.to_str().unwrap(), "--set", "valid_share = 0"]);
    assert!(text.contains("8 different words") && !text.contains("valid"), "{text}");
    std::fs::remove_file(recipe).unwrap();
    let missing = fails(1, &["data", "check", "no/such"]);
    assert!(missing.contains("no/such") && missing.matches("No such file").count() == 1, "{missing}");
    assert!(fails(1, &["data", "check", path, "--set", "task = \"tag\""]).contains("it has: class or next"));
    std::fs::write(dir.path().join("Cat.txt"), b"gato\nchat\n\xff").unwrap();
    assert!(fails(1, &["data", "check", path]).contains("Cat.txt, line 3: not UTF-8"));
}

#[test]
fn data_check_knows_sound_and_what_is_made() {
    let clips = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    let json: serde_json::Value = serde_json::from_str(&ok(&["data", "check", clips, "--json"])).unwrap();
    assert_eq!((&json["sample_rate"], json["splits"].as_array().unwrap().len()), (&16_000.into(), 3));
    let text = ok(&["data", "check", "--set", "generate = \"copy\"", "--set", "steps = 7", "--set", "count = 20"]);
    assert!(text.contains("train        20 examples of 27 / 27 / 27 steps"), "{text}");
}

#[test]
fn turing_shows_the_tape_at_each_step() {
    let dir = tempfile::tempdir().unwrap();
    let blob = dir.path().join("m.elman");
    let text = ok(&["turing", "--tape", "1101", "--cells", "6", "--out", blob.to_str().unwrap()]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "    0  q1    [1] 1  0  1  0  0 ");
    assert_eq!(lines[6], "    6  q3     1  1  1 [0] 0  0   halted");
    assert!(lines[7].contains("6 steps of the machine in 13 of the network, equal at each"), "{text}");
    assert!(ok(&["inspect", blob.to_str().unwrap()]).contains("srn-sigmoid"));
    let json: serde_json::Value = serde_json::from_str(&ok(&["turing", "--json"])).unwrap();
    assert_eq!(json["configurations"][8]["tape"].as_array().unwrap().iter().filter(|s| *s == "1").count(), 5);

    assert!(fails(2, &["turing", "--tape", "111111111"]).contains("9 symbols on 8 cells; raise `cells`"));
    assert!(
        fails(1, &["turing", "--tape", "11", "--cells", "3"]).contains("the head leaves the tape at its right end")
    );
    assert!(fails(2, &["turing", "--steps", "1000000000"]).contains("8388608 at most"));
    assert!(fails(1, &["turing", "--out", "no/such/m.elman"]).contains("there is no folder no/such"));
    assert!(fails(1, &["turing", "no/such.toml"]).contains("no/such.toml"));
    let machine = dir.path().join("m.toml");
    std::fs::write(&machine, "name = \"x\"\nsymbols = 1\n").unwrap();
    assert!(fails(2, &["turing", machine.to_str().unwrap()]).contains("line 2"));
}

/// A series of `steps` rows and the recipe of a network for it; the folder and both paths.
fn series(steps: usize, sequences: &str) -> (tempfile::TempDir, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let (data, recipe) = (dir.path().join("s"), dir.path().join("r.toml"));
    std::fs::create_dir(&data).unwrap();
    let rows: String = (0..steps).map(|k| format!("{},{}\n", k % 7, (k % 7) as f64 * 0.5)).collect();
    std::fs::write(data.join("a.csv"), format!("u,y\n{rows}")).unwrap();
    let text = format!(
        "[data]\ninputs = [\"u\"]\noutputs = [\"y\"]\n[sequences]\n{sequences}\n[network]\nlayers = [{{ layer = \"cell\", variant = \
         \"gru\", units = 4 }}]\n[train]\nepochs = 2\nloss = \"squared-error\"\nwatch = \"loss\"\n"
    );
    std::fs::write(&recipe, text).unwrap();
    let [data, recipe] = [data, recipe].map(|p| p.display().to_string());
    (dir, data, recipe)
}

/// A mean over no step would be 0, the best there is.
#[test]
fn figures_of_nothing_are_errors() {
    for (sequences, wanted) in [
        ("skip = 100000", "sequences.skip is 100000"),
        ("window = 20\nwashout = 30", "sequences.washout is 30, and windows have 20 steps"),
        ("washout = 4000\nwashout_at_start = true", "sequences.washout is 4000, and the longest example has"),
    ] {
        let (dir, data, recipe) = series(400, sequences);
        let run = dir.path().join("run").display().to_string();
        for more in [&["--out", &run][..], &["--dry-run"]] {
            let error = fails(2, &[&["train", &recipe, "--data", &data], more].concat());
            assert!(error.contains(wanted), "{error}");
        }
        assert!(!dir.path().join("run").exists());
    }
    // What is skipped at the evaluation of other data.
    let (dir, data, recipe) = series(400, "skip = 5");
    let run = dir.path().join("run").display().to_string();
    ok(&["train", &recipe, "--data", &data, "--out", &run]);
    ok(&["quantize", &run]);
    assert!(ok(&["eval", &run, "--data", &data]).contains("RMSE"));
    let error = fails(2, &["eval", &run, "--data", &data, "--set", "sequences.skip=100000"]);
    assert!(error.contains("none would be evaluated"), "{error}");

    // A language model that reads from the end has read what it predicts.
    let text = dir.path().join("t");
    std::fs::create_dir(&text).unwrap();
    std::fs::write(text.join("train.txt"), "some words to read, and some more\n".repeat(20)).unwrap();
    let both = "[data]\nunit = \"characters\"\n[network]\nlayers = [{ layer = \"embedding\", units = 4 }, { layer = \"cell\", variant = \
                \"gru\", units = 4, bidirectional = true }]\n[train]\nepochs = 1\nwatch = \"loss\"\n";
    std::fs::write(&recipe, both.replace(", bidirectional = true", "")).unwrap();
    let run = dir.path().join("text-run").display().to_string();
    ok(&["train", &recipe, "--data", text.to_str().unwrap(), "--out", &run]);
    ok(&["quantize", &run]);
    let both_ways = dir.path().join("both.toml").display().to_string();
    let pairs = "[data]\ngenerate = \"reverse\"\ncount = 20\n[network.seq2seq]\nencoder = [{ layer = \"embedding\", units = 4 }, { layer = \
                 \"cell\", variant = \"gru\", units = 4 }]\ndecoder = [{ layer = \"embedding\", units = 4 }, { layer = \"cell\", variant = \
                 \"gru\", units = 4 }]\n[train]\nepochs = 1\n";
    std::fs::write(&both_ways, pairs).unwrap();
    let pairs = dir.path().join("pairs").display().to_string();
    ok(&["train", &both_ways, "--data", ".", "--out", &pairs]);
    ok(&["quantize", &pairs]);
    assert!(fails(2, &["generate", &pairs]).contains("no language model; `elman run`"));
    assert!(fails(2, &["generate", &run, "--count", "18446744073709551615"]).contains("10000000 symbols at most"));
    std::fs::write(&recipe, both).unwrap();
    let error = fails(2, &["train", &recipe, "--data", text.to_str().unwrap(), "--dry-run"]);
    assert!(error.contains("bidirectional"), "{error}");
}

#[test]
fn a_recipe_that_was_edited_is_not_taken_for_other_data() {
    let (dir, data, recipe) = series(200, "skip = 5");
    let run = dir.path().join("run");
    let path = run.display().to_string();
    ok(&["train", &recipe, "--data", &data, "--out", &path]);
    let edited = std::fs::read_to_string(run.join("recipe.toml")).unwrap().replace("epochs = 2", "epochs = 4");
    std::fs::write(run.join("recipe.toml"), edited).unwrap();
    let error = fails(2, &["train", "--resume", "--out", &path, "--data", &data]);
    assert!(error.contains("recipe.toml was changed") && !error.contains("data differ"), "{error}");
}

/// The loss says of what it is; the star is for the best by a figure that is watched.
#[test]
fn an_epoch_s_line_says_what_its_numbers_are() {
    let (dir, data, recipe) = series(200, "skip = 5");
    for (watch, starred) in [("loss", true), ("last", false)] {
        let run = dir.path().join(watch).display().to_string();
        let out = elman(&["train", &recipe, "--data", &data, "--out", &run, "--set", &format!("train.watch={watch}")]);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success() && said.contains("loss a step "), "{said}");
        assert_eq!(said.contains(" *,"), starred, "{said}");
        // Of whole sequences, and of their steps that have a target.
        let metrics = std::fs::read_to_string(dir.path().join(watch).join("metrics.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
        let [whole, step] = ["train_loss", "train_loss_per_step"].map(|name| last[name].as_f64().unwrap());
        let steps = whole / step;
        assert!(steps > 100.0 && (steps - steps.round()).abs() < 1e-9, "{last}");
        assert!(said.contains(&format!("loss a step {step:.4}")), "{said}");
        ok(&["quantize", &run]);
        let report = std::fs::read_to_string(dir.path().join(watch).join("report.html")).unwrap();
        assert!(report.contains("Loss a step"));
    }
}

/// One way to change a value, whatever the command.
#[test]
fn a_change_has_one_form_in_every_command() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("train.txt"), "ulv varg vuk\nlobo\n".repeat(20)).unwrap();
    let path = dir.path().to_str().unwrap();
    for change in ["unit = \"words\"", "data.unit=\"words\"", "data.unit=words", "unit=words"] {
        assert!(ok(&["data", "check", path, "--set", change]).contains("different words"), "{change}");
    }
    let printed = ok(&["train", "--print-recipe", "--set", "data.unit=words", "--set", "name="]);
    assert!(printed.contains("unit = \"words\"") && printed.contains("name = \"model\""), "{printed}");
    let error = fails(2, &["data", "check", path, "--set", "unti=words"]);
    assert!(error.contains("--set unti=words: "), "{error}");
}

/// What a shipped recipe says of its data is not rejected before any data are read.
#[test]
fn the_options_of_every_shipped_recipe_are_valid() {
    let empty = tempfile::tempdir().unwrap();
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/recipes")).unwrap();
    let mut count = 0;
    for path in folder.map(|entry| entry.unwrap().path()) {
        let recipe = elman_recipe::Recipe::read(&path, &[]).unwrap();
        let Some(data) = recipe.data.filter(|data| data.generate.is_none()) else { continue };
        let options = elman_data::RecordOptions { context: recipe.sequences.skip, ..data };
        let error = elman_data::Records::open(empty.path(), &options).unwrap_err().to_string();
        assert!(error.contains(&empty.path().display().to_string()), "{}: {error}", path.display());
        count += 1;
    }
    assert!(count > 30, "{count}");
}

/// A recipe that is rejected names the key, and what stands there.
#[test]
fn a_rejection_names_its_key() {
    let dir = tempfile::tempdir().unwrap();
    for part in ["train", "dev", "test"] {
        let trees = format!("(1 (1 good) (0 (0 {part}) (1 fine)))\n(0 (0 bad) (1 (0 {part}) (0 poor)))\n");
        std::fs::write(dir.path().join(format!("{part}.txt")), trees).unwrap();
    }
    let recipe = dir.path().join("r.toml");
    let embedding = "{ layer = \"embedding\", units = 4 }";
    let cell = |both: bool| format!("{{ layer = \"cell\", variant = \"gru\", units = 4, bidirectional = {both} }}");
    let seq2seq = |encoder, decoder| {
        format!(
            "[data]\ngenerate = \"reverse\"\ncount = 20\n[network.seq2seq]\nencoder = [{embedding}, {}]\ndecoder = [{embedding}, {}]\n",
            cell(encoder),
            cell(decoder)
        )
    };
    let tree = format!(
        "[data]\nformat = \"ptb\"\nmax_leaves = 1\n[network.tree]\nleaf = [{embedding}]\ncompose = {{ layer = \"dense\", outputs = 4 }}\n"
    );
    let graph = format!(
        "[data]\ngenerate = \"sensors\"\ncount = 20\n[network.graph]\nnode = [{{ layer = \"dense\", outputs = 4 }}]\nmessage = [{{ layer = \
         \"pool\", over = \"sum\" }}]\nupdate = {}\nrounds = 1\n",
        cell(true)
    );
    let narx = "[data]\ngenerate = \"pendulum\"\ncount = 6\nsteps = 60\n[network]\nlayers = [{ layer = \"narx\", outputs = 255, input_taps = \
                1, output_taps = 2, hidden = 4 }]\n[train]\nloss = \"squared-error\"\n";
    let nothing = format!(
        "[data]\ngenerate = \"copy\"\ncount = 20\nsteps = 9\nvalid_share = 0.0\n[network]\nlayers = [{embedding}, {}]\n",
        cell(false)
    );
    for (text, wanted) in [
        (seq2seq(true, false), "`bidirectional = true` gives twice"),
        (seq2seq(false, true), "take `bidirectional = true` out"),
        (tree, "max_leaves = 1; raise it"),
        (graph, "without `bidirectional = true`"),
        (narx.to_owned(), "outputs = 255"),
        (nothing, "data.valid_share is 0.0"),
    ] {
        std::fs::write(&recipe, text).unwrap();
        let out = dir.path().join("run").display().to_string();
        let folder = dir.path().display().to_string();
        let run = elman(&["train", recipe.to_str().unwrap(), "--data", &folder, "--out", &out]);
        let error = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(!run.status.success() && error.contains(wanted), "{wanted}: {error}");
    }
}
