//! `elman probe` as a user meets it.

use std::path::Path;
use std::process::{Command, Output};

fn probe(recipe: &Path, more: &[&str]) -> Output {
    let folder = recipe.parent().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_elman"));
    command.current_dir(folder).args(["--json", "probe", "--fresh"]).arg(recipe).args(more).output().unwrap()
}

/// Fails with this exit code; gives what it said.
fn fails(code: i32, recipe: &Path, more: &[&str]) -> String {
    let out = probe(recipe, more);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(code), "{said}");
    said
}

const RECIPE: &str = r#"
data = { generate = "adding", steps = 30, count = 20 }
network.layers = [
    { layer = "cell", variant = "gru", units = 4, bidirectional = true },
    { layer = "cell", variant = "residual-1", units = 3 },
    { layer = "pool", over = "last" },
]
train.loss = "squared-error"
"#;

#[test]
fn a_network_before_training_is_probed_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("adding.toml");
    std::fs::write(&recipe, RECIPE).unwrap();
    let out = probe(&recipe, &["--out", "reach.html", "--set", "data.steps=25"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    // A tenth of 20 examples is aside.
    assert_eq!(found["examples"], 2);
    let reach = found["reach"].as_array().unwrap();
    let names: Vec<_> = reach.iter().map(|r| r["layer"].as_str().unwrap()).collect();
    assert_eq!(names, ["0 gru", "0 gru reverse", "1 residual-1"]);
    for layer in reach {
        let norms: Vec<f64> = layer["norms"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
        assert_eq!(norms.len(), 25);
        assert!(norms.iter().all(|n| *n > 0.0 && n.is_finite()), "{norms:?}");
    }
    let page = std::fs::read_to_string(folder.path().join("reach.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("before training") && page.contains("1 residual-1"));
}

/// Structures are probed by what they have: symbols, levels, rounds.
#[test]
fn structures_are_probed_too() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("r.toml");
    let cell = "{ layer = \"cell\", variant = \"gru\", units = 4, dropout = 0.2 }";
    let embedding = "{ layer = \"embedding\", units = 4 }";
    let seq2seq = format!(
        "[data]\ngenerate = \"reverse\"\ncount = 20\n[network.seq2seq]\nencoder = [{embedding}, {cell}]\ndecoder = [{embedding}, \
         {cell}]\nattention = {{ score = \"scaled\" }}"
    );
    let graph = "[data]\ngenerate = \"sensors\"\ncount = 20\n[network.graph]\nnode = [{ layer = \"dense\", outputs = 4 }]\nmessage = [{ \
                 layer = \"pool\", over = \"sum\" }]\nupdate = { layer = \"cell\", variant = \"gru\", units = 4 }\nrounds = 3"
        .to_owned();
    let tree = format!(
        "[data]\nformat = \"ptb\"\n[network.tree]\nleaf = [{embedding}, {{ layer = \"dropout\", rate = 0.1 }}]\ncompose = {{ layer = \
         \"cell\", variant = \"tree-lstm\", units = 4 }}"
    );
    let trees = "(1 (1 good) (0 (0 w) (1 fine)))\n(0 (0 bad) (1 (0 (0 w) (0 v)) (0 poor)))\n".repeat(20);
    for name in ["train.txt", "dev.txt", "test.txt"] {
        std::fs::write(folder.path().join(name), trees.replace("w)", &format!("w{})", &name[..2]))).unwrap();
    }
    for (text, names, distances, of) in [
        (seq2seq, &["decoder 1 gru", "encoder 1 gru"][..], 3, "symbols before the last"),
        (graph, &["update 0 gru"], 4, "rounds before the last"),
        (tree, &["compose 0 tree-lstm"], 4, "levels below the root"),
    ] {
        std::fs::write(&recipe, text + "\n[train]\nepochs = 1\n").unwrap();
        let out = probe(&recipe, &["--data", ".", "--out", "p.html"]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let reach = found["reach"].as_array().unwrap();
        assert_eq!(reach.iter().map(|r| r["layer"].as_str().unwrap()).collect::<Vec<_>>(), names);
        for layer in reach {
            let norms: Vec<f64> = layer["norms"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
            assert!(norms.len() >= distances && norms[0] > 0.0 && norms.iter().all(|n| n.is_finite()), "{norms:?}");
        }
        assert!(std::fs::read_to_string(folder.path().join("p.html")).unwrap().contains(of));
    }
}

#[test]
fn what_cannot_be_probed_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("r.toml");
    std::fs::write(&recipe, "[train]\nepochs = 1\n").unwrap();
    assert!(fails(2, &recipe, &[]).contains("--data is missing"));
    std::fs::write(
        &recipe,
        RECIPE.replace("\"cell\", variant = \"gru\", units = 4, bidirectional = true", "\"pool\", over = \"mean\""),
    )
    .unwrap();
    let said = fails(1, &recipe, &[]);
    assert!(said.contains("layer 1 needs a sequence, but the pool before it left a single vector"), "{said}");
    std::fs::write(&recipe, RECIPE.lines().filter(|l| !l.contains("cell")).collect::<Vec<_>>().join("\n")).unwrap();
    assert!(fails(1, &recipe, &[]).contains("the network has no recurrent layer"));
}
