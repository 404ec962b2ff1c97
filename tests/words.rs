//! Words that documentation and messages do not use, as tests/words.txt lists them.
//!
//! Markdown is checked outside of inline code; of Rust files, doc comments and string literals; of TOML files, comments.

use std::fs;
use std::path::{Path, PathBuf};

/// Files and folders in which a listed word makes the test fail.
const CHECKED: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    ".github",
    "boards",
    "docs",
    "src",
    "tools",
    "targets.toml",
];

/// A listed word and what to write instead.
struct Word {
    text: String,
    /// Whether longer words that begin with it are meant as well.
    open: bool,
    instead: String,
}

/// The repository's root: the folder with this test's list.
fn root() -> PathBuf {
    let start = option_env!("CARGO_MANIFEST_DIR").map_or_else(|| std::env::current_dir().unwrap(), PathBuf::from);
    let found = start.ancestors().find(|p| p.join("tests/words.txt").is_file());
    found.expect("no tests/words.txt in this folder or above it").to_owned()
}

fn words(root: &Path) -> Vec<Word> {
    let list = fs::read_to_string(root.join("tests/words.txt")).unwrap();
    let lines = list.lines().filter(|l| !l.starts_with('#') && !l.is_empty());
    let words = lines.map(|line| {
        let (word, instead) = line.split_once('\t').unwrap_or_else(|| panic!("tests/words.txt: no tab in {line:?}"));
        let (text, open) = word.strip_suffix('*').map_or((word, false), |w| (w, true));
        Word { text: text.to_lowercase(), open, instead: instead.to_owned() }
    });
    words.collect()
}

/// Markdown, Rust and TOML files in a file or folder, sorted. Build folders and hidden ones are left out.
fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        let hidden = |p: &Path| p.file_name().is_some_and(|n| n == "target" || n.as_encoded_bytes().starts_with(b"."));
        entries.iter().filter(|p| !hidden(p)).for_each(|p| files(p, found));
    } else if path.extension().is_some_and(|e| e == "md" || e == "rs" || e == "toml") {
        found.push(path.to_owned());
    }
}

/// The text of a file that is checked, by line number from 1.
fn checked_text(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    match path.extension().and_then(|e| e.to_str()) {
        Some("rs") => rust_text(&text),
        Some("toml") => comments(&text),
        _ => markdown_text(&text),
    }
}

/// What follows a `#`.
fn comments(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate().filter_map(|(n, l)| Some((n + 1, without_code(l.split_once('#')?.1))));
    lines.collect()
}

/// Lines of Markdown without inline code, which may go on in the next line.
fn markdown_text(text: &str) -> Vec<(usize, String)> {
    let (mut fenced, mut code) = (false, false);
    let lines = text.lines().enumerate().map(|(n, line)| {
        if line.trim_start().starts_with("```") {
            (fenced, code) = (!fenced, false);
            return (n + 1, String::new());
        }
        if fenced {
            return (n + 1, line.to_owned());
        }
        let mut prose = String::new();
        for (k, part) in line.split('`').enumerate() {
            code = (code && !line.is_empty()) != (k > 0);
            prose.push_str(if code { " " } else { part });
        }
        (n + 1, prose)
    });
    lines.collect()
}

/// A line of a doc comment with a space in place of every `code`.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// Doc comments and string literals of Rust. A literal that is no sentence and no word (a path, a key) is left out.
fn rust_text(text: &str) -> Vec<(usize, String)> {
    let bytes = text.as_bytes();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < bytes.len() {
        let rest = &text[at..];
        let length = if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            if rest.starts_with("///") || rest.starts_with("//!") {
                found.push((line, without_code(&rest[3..length])));
            }
            length
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |n| n + 2)
        } else if let Some((length, literal)) = string_literal(bytes, at, rest) {
            let word = literal.bytes().all(|b| b.is_ascii_alphabetic());
            if word || literal.contains(' ') {
                found.extend((line..).zip(literal.lines()).map(|(n, l)| (n, without_code(l))));
            }
            length
        } else if let Some(length) = char_literal(rest) {
            length
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        line += text[at..at + length].matches('\n').count();
        at += length;
    }
    found
}

/// The length of a string literal at the front of `rest`, and what is between its quotes.
fn string_literal<'t>(bytes: &[u8], at: usize, rest: &'t str) -> Option<(usize, &'t str)> {
    let in_name = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    let raw = rest.trim_start_matches(['b', 'c']).strip_prefix('r').filter(|_| !in_name);
    if let Some(after) = raw {
        let hashes = after.len() - after.trim_start_matches('#').len();
        if let Some(body) = after[hashes..].strip_prefix('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let end = body.find(&close)?;
            return Some((rest.len() - body.len() + end + close.len(), &body[..end]));
        }
    }
    let body = rest.strip_prefix('"')?;
    let mut escaped = false;
    let end = body.bytes().position(|b| {
        let ends = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        ends
    })?;
    Some((end + 2, &body[..end]))
}

/// The length of a character literal; a lifetime is none.
fn char_literal(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    if body.starts_with('\\') {
        return Some(3 + body[2..].find('\'')?);
    }
    let c = body.chars().next()?;
    body[c.len_utf8()..].starts_with('\'').then_some(2 + c.len_utf8())
}

/// Whether a line has the word, whole and in any case.
fn has(line: &str, word: &Word) -> bool {
    let line = line.to_lowercase();
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.match_indices(&word.text).any(|(at, text)| {
        let before = line[..at].chars().next_back();
        let after = line[at + text.len()..].chars().next();
        outside(before) && (word.open || outside(after))
    })
}

/// `file:line: word, what to write instead`, of all files of a file or folder.
fn complaints(root: &Path, place: &str, words: &[Word]) -> Vec<String> {
    let mut list = Vec::new();
    files(&root.join(place), &mut list);
    let mut found = Vec::new();
    for path in list {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        for (line, text) in checked_text(&path) {
            for word in words.iter().filter(|w| has(&text, w)) {
                found.push(format!("{name}:{line}: \"{}\", write: {}", word.text, word.instead));
            }
        }
    }
    found
}

#[test]
fn documentation_uses_the_terms_of_the_field() {
    let root = root();
    let words = words(&root);
    assert!(words.len() > 10, "tests/words.txt has hardly any words");
    let found: Vec<String> = CHECKED.iter().flat_map(|place| complaints(&root, place, &words)).collect();
    assert!(found.is_empty(), "words that are not used here (tests/words.txt):\n{}", found.join("\n"));
}

#[test]
fn code_is_left_out() {
    let code = r###"
/// One `two` three.
// four
fn f<'a>(s: &'a str) -> char { s.find('"'); "five \"six\" seven"; r#"eight "nine""#; "ten/eleven"; '\'' } //! twelve
"###;
    let text: Vec<String> = rust_text(code).into_iter().map(|(n, t)| format!("{n}:{}", t.trim())).collect();
    assert_eq!(text, ["2:One   three.", "4:five \\\"six\\\" seven", "4:eight \"nine\"", "4:twelve"]);
    let markdown = "one `two\nthree` four\n```\nfive `\n```\nsix `seven\n\neight";
    let text: Vec<String> = markdown_text(markdown).into_iter().map(|(_, t)| t).collect();
    assert_eq!(text, ["one  ", "  four", "", "five `", "", "six  ", "", "eight"]);
    let word = |text: &str, open| Word { text: text.to_owned(), open, instead: String::new() };
    assert!(has("It is Judged.", &word("judg", true)) && !has("adjudged", &word("judg", true)));
    assert!(has("laid, here", &word("laid", false)) && !has("laid_out plaid", &word("laid", false)));
}
