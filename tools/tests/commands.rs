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
    assert!(fails(1, &["turing", "no/such.toml"]).contains("no/such.toml"));
    let machine = dir.path().join("m.toml");
    std::fs::write(&machine, "name = \"x\"\nsymbols = 1\n").unwrap();
    assert!(fails(2, &["turing", machine.to_str().unwrap()]).contains("line 2"));
}

/// The most memory that a child of this test had, in bytes.
#[cfg(target_os = "linux")]
fn most_memory_of_a_child() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() as f64 * 1024.0
}

/// Memory is that of the whole process, an upper bound within a quarter; time is that of the whole run.
#[test]
#[cfg(target_os = "linux")]
fn a_dry_run_says_what_the_run_takes() {
    let dir = tempfile::tempdir().unwrap();
    let (recipe, run) = (dir.path().join("r.toml"), dir.path().join("run"));
    let text = "[data]\ngenerate = \"sensors\"\ncount = 300\n[network.graph]\nnode = [{ layer = \"dense\", outputs = 16 }]\n\
                message = [{ layer = \"pool\", over = \"sum\" }]\nupdate = { layer = \"cell\", variant = \"gru\", units = 16 }\n\
                rounds = 2\n[train]\nepochs = 30\nthreads = 1\n";
    std::fs::write(&recipe, text).unwrap();
    let args = ["train", recipe.to_str().unwrap(), "--data", "."];
    ok(&[&args[..], &["--out", run.to_str().unwrap()]].concat());
    let took = most_memory_of_a_child();
    let said: serde_json::Value = serde_json::from_str(&ok(&[&args[..], &["--dry-run", "--json"]].concat())).unwrap();
    let most = said["process_bytes"].as_f64().unwrap();
    assert!(took <= most && most <= 1.25 * took, "{most} bytes said, {took} taken");
    let seconds = |part: &str| said[part]["processor_seconds"].as_f64().unwrap();
    let parts = seconds("reading") + 30.0 * seconds("epoch") + seconds("figures");
    assert!((seconds("total") - parts).abs() < 1e-6 && seconds("epoch") > 0.0, "{said}");
    assert_eq!((&said["epochs"], &said["sequences"]), (&30.into(), &300.into()));
    let line = ok(&[&args[..], &["--dry-run"]].concat());
    assert!(line.contains("30 epochs of") && line.contains("of memory"), "{line}");
}
