//! What README and docs name is there: links, headings, files, `cargo xtask` verbs, `elman` commands and their flags.
//!
//! Names are looked for loosely in the text of the sources, so that the test does not depend on how commands are declared.

use std::fs;
use std::path::{Path, PathBuf};

/// Files and folders whose Markdown is checked.
const DOCS: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "boards/README.md",
    "docs",
    "tools/data/README.md",
];
/// Folders of the repository; a path in the docs that begins with one of them is a path from the root.
const FOLDERS: &[&str] = &["src/", "tools/", "boards/", "tests/", "docs/", ".ci/", ".github/", "recipes/"];
/// Flags of cargo, in commands that are both.
const CARGO_FLAGS: &[&str] = &["release"];

/// A Markdown file.
struct Page {
    /// Path from the root.
    name: String,
    text: String,
}

/// The repository's root.
fn root() -> PathBuf {
    let start = option_env!("CARGO_MANIFEST_DIR").map_or_else(|| std::env::current_dir().unwrap(), PathBuf::from);
    let found = start.ancestors().find(|p| p.join("tests/docs.rs").is_file());
    found.expect("no tests/docs.rs in this folder or above it").to_owned()
}

/// Files with an ending in a file or folder, without build folders and hidden ones.
fn files(path: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let hidden = |p: &Path| p.file_name().is_some_and(|n| n == "target" || n.as_encoded_bytes().starts_with(b"."));
        let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        entries.iter().filter(|p| !hidden(p)).for_each(|p| files(p, ending, found));
    } else if path.extension().is_some_and(|e| e == ending) {
        found.push(path.to_owned());
    }
}

fn pages(root: &Path) -> Vec<Page> {
    let mut list = Vec::new();
    DOCS.iter().for_each(|place| files(&root.join(place), "md", &mut list));
    let page = |p: &PathBuf| Page {
        name: p.strip_prefix(root).unwrap().to_string_lossy().into_owned(),
        text: fs::read_to_string(p).unwrap(),
    };
    list.iter().map(page).collect()
}

impl Page {
    /// The path of a link or file name, as seen from this page.
    fn beneath(&self, root: &Path, target: &str) -> PathBuf {
        root.join(&self.name).parent().unwrap().join(target)
    }

    /// Inline code and lines of code blocks.
    fn code(&self) -> Vec<String> {
        let (mut found, mut prose, mut fenced) = (Vec::new(), String::new(), false);
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if fenced {
                found.push(line.to_owned());
            } else if let Some(code) = line.strip_prefix("    ") {
                found.push(code.to_owned());
            } else if line.is_empty() {
                prose.push_str("\n\n");
            } else {
                prose.push_str(line);
                prose.push(' ');
            }
        }
        let spans =
            prose.split("\n\n").flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2).map(str::to_owned));
        found.extend(spans.collect::<Vec<_>>());
        found
    }

    /// Targets of links that lead into the repository, with the heading after `#`.
    fn links(&self) -> Vec<(String, String)> {
        let parts = self.text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let inner = parts.map(|(target, _)| target).filter(|t| !t.contains("://") && !t.is_empty());
        inner.map(|t| t.split_once('#').unwrap_or((t, ""))).map(|(p, h)| (p.to_owned(), h.to_owned())).collect()
    }

    /// Headings as links name them.
    fn headings(&self) -> Vec<String> {
        let titles = self.text.lines().filter(|l| l.starts_with('#')).map(|l| l.trim_start_matches('#').trim());
        let name = |title: &str| {
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
        };
        titles.map(name).collect()
    }
}

/// All Rust text of the host's programs, in which verbs, commands and flags are declared.
fn sources(root: &Path) -> String {
    let mut list = Vec::new();
    files(&root.join("tools"), "rs", &mut list);
    list.iter().map(|p| fs::read_to_string(p).unwrap()).collect()
}

/// Whether the text has the word whole.
fn has_word(text: &str, word: &str) -> bool {
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    text.match_indices(word)
        .any(|(at, _)| outside(text[..at].chars().next_back()) && outside(text[at + word.len()..].chars().next()))
}

/// `bench-mcu` as `BenchMcu`.
fn variant(name: &str) -> String {
    let parts = name.split('-').map(|p| p[..1].to_uppercase() + &p[1..]);
    parts.collect()
}

/// Whether a command of that name is declared: a variant with something in it, or a name in quotes.
fn is_command(sources: &str, name: &str) -> bool {
    let variant = variant(name);
    let declared = ["(", ",", " =>", " {"].iter().any(|after| {
        sources.lines().any(|l| l.trim_start().strip_prefix(&variant).is_some_and(|rest| rest.starts_with(after)))
    });
    declared || sources.contains(&format!("\"{name}\""))
}

/// Whether a flag is declared: a field of that name, or its name in quotes.
fn is_flag(sources: &str, name: &str) -> bool {
    CARGO_FLAGS.contains(&name)
        || has_word(sources, &name.replace('-', "_"))
        || sources.contains(&format!("\"{name}\""))
}

/// Whether a word can be the name of a command.
fn is_name(word: &str) -> bool {
    !word.starts_with('-') && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A command and the words after it, without comments: of `cargo xtask`, of `elman`, of `cargo run ... --`.
fn commands(code: &str) -> Vec<Vec<&str>> {
    let code = code.split('#').next().unwrap_or_default();
    let starts = ["cargo xtask ", "elman ", "cargo run --release -- "];
    let mut found = Vec::new();
    for start in starts {
        for (at, _) in code.match_indices(start) {
            let own = !code[..at].ends_with(|c: char| c.is_alphanumeric() || "-_/.\"".contains(c));
            let words: Vec<&str> = code[at + start.len()..].split_whitespace().collect();
            if own && words.first().is_some_and(|w| is_name(w)) {
                found.push(words);
            }
        }
    }
    found
}

#[test]
fn links_lead_somewhere() {
    let root = root();
    let pages = pages(&root);
    let mut wrong = Vec::new();
    for page in &pages {
        for (target, heading) in page.links() {
            let path = if target.is_empty() { root.join(&page.name) } else { page.beneath(&root, &target) };
            let linked = pages.iter().find(|p| path.canonicalize().ok() == root.join(&p.name).canonicalize().ok());
            let headed = heading.is_empty() || linked.is_some_and(|p| p.headings().contains(&heading));
            if !path.exists() || !headed {
                wrong.push(format!("{}: {target}#{heading}", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "links to what is not there:\n{}", wrong.join("\n"));
}

#[test]
fn files_that_are_named_are_there() {
    let root = root();
    let mut wrong = Vec::new();
    for page in pages(&root) {
        // Names are in prose as well as in code; what has capitals in its name stands for a name of the reader's.
        for word in page.text.split(|c: char| c.is_whitespace() || "`()[]\"',;:|".contains(c)) {
            let word = word.trim_end_matches('.').split('#').next().unwrap_or_default();
            let placeholder = word.contains(['*', '<', '{']) || ["NAME", "DIR", "X."].iter().any(|p| word.contains(p));
            if placeholder || !FOLDERS.iter().any(|f| word.starts_with(f)) {
                continue;
            }
            let from_tools = root.join("tools").join(word);
            if !(root.join(word).exists() || word.starts_with("recipes/") && from_tools.exists()) {
                wrong.push(format!("{}: {word}", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "files that are not there:\n{}", wrong.join("\n"));
}

#[test]
fn commands_that_are_named_exist() {
    let root = root();
    let sources = sources(&root);
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages(&root) {
        for code in page.code() {
            for words in commands(&code) {
                seen += 1;
                let verb = words[0];
                // `cargo xtask bench VERB`.
                let second = words.get(1).filter(|w| verb == "bench" && is_name(w));
                for name in std::iter::once(&verb).chain(second) {
                    if !is_command(&sources, name) {
                        wrong.push(format!("{}: command {name} in `{code}`", page.name));
                    }
                }
                let flags = words.iter().filter_map(|w| w.strip_prefix("--")).filter(|w| !w.is_empty());
                for flag in flags.map(|f| f.split('=').next().unwrap_or(f)).filter(|f| !is_flag(&sources, f)) {
                    wrong.push(format!("{}: flag --{flag} in `{code}`", page.name));
                }
            }
        }
    }
    assert!(seen > 40, "only {seen} commands found in the docs");
    assert!(wrong.is_empty(), "commands and flags that are not there:\n{}", wrong.join("\n"));
}

#[test]
fn packages_that_are_named_exist() {
    let root = root();
    let mut manifests = Vec::new();
    files(&root, "toml", &mut manifests);
    let manifests: String = manifests.iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    let mut wrong = Vec::new();
    for page in pages(&root) {
        for code in page.code().iter().filter(|c| c.contains("cargo ")) {
            let named = code.split(" -p ").skip(1).filter_map(|rest| rest.split_whitespace().next());
            wrong.extend(
                named
                    .filter(|n| !manifests.contains(&format!("name = \"{n}\"")))
                    .map(|n| format!("{}: {n}", page.name)),
            );
        }
    }
    assert!(wrong.is_empty(), "packages that are not there:\n{}", wrong.join("\n"));
}

#[test]
fn features_that_are_named_exist() {
    let root = root();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let mut wrong = Vec::new();
    for page in pages(&root) {
        for code in page.code().iter().filter(|c| c.starts_with("elman = {")) {
            let list =
                code.split_once("features = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
            let names = list.split(',').map(|n| n.trim().trim_matches('"')).filter(|n| !n.is_empty());
            let missing = names.filter(|n| !manifest.lines().any(|l| l.starts_with(&format!("{n} = ["))));
            wrong.extend(missing.map(|n| format!("{}: {n}", page.name)));
        }
    }
    assert!(wrong.is_empty(), "features that are not there:\n{}", wrong.join("\n"));
}

#[test]
fn items_of_the_crate_that_are_named_exist() {
    let root = root();
    let mut list = Vec::new();
    files(&root.join("src"), "rs", &mut list);
    let text: String = list.iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    let mut wrong = Vec::new();
    // The changelog names what was renamed.
    for page in pages(&root).iter().filter(|p| p.name != "CHANGELOG.md") {
        for code in page.code() {
            for (at, _) in code.match_indices("::") {
                let name = |c: char| c.is_alphanumeric() || c == '_';
                let of = code[..at].rsplit(|c| !name(c)).next().unwrap_or_default();
                let item = code[at + 2..].split(|c| !name(c)).next().unwrap_or_default();
                let ours = of.starts_with(char::is_uppercase) && has_word(&text, of);
                if ours && !item.is_empty() && !has_word(&text, item) {
                    wrong.push(format!("{}: {of}::{item}", page.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "items that are not there:\n{}", wrong.join("\n"));
}

#[test]
fn names_are_read_as_written() {
    assert_eq!(commands("cargo xtask bench mcu --all   # counts"), [["bench", "mcu", "--all"]]);
    assert_eq!(commands("$ elman run runs/scan commands.txt").len(), 1);
    assert!(commands("use elman::Blob; elman = 1; ELMAN_BLOB=x cargo run --release").is_empty());
    let sources =
        "enum Verb {\n    NoMul64,\n    Size(Output),\n}\ncommands! {\n    Train => train,\n}\n pub dry_run: bool";
    assert!(["no-mul64", "size", "train"].iter().all(|name| is_command(sources, name)));
    assert!(!is_command(sources, "siz") && is_flag(sources, "dry-run") && !is_flag(sources, "dry"));
    let page = Page { name: "docs/x.md".to_owned(), text: "# A `b`, c\n[x](y.md#z) `d\ne`\n```\nf\n```\n".to_owned() };
    assert_eq!(
        (page.headings(), page.code()),
        (vec!["a-b-c".to_owned()], vec!["f".to_owned(), "b".to_owned(), "d e".to_owned()])
    );
    assert_eq!(page.links(), [("y.md".to_owned(), "z".to_owned())]);
}
