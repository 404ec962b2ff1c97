//! Text of a model in source files: whatever its names and labels contain, they never become code.

use std::fmt::Write;

/// A C string literal of the UTF-8 bytes of `text`. Everything but plain ASCII is an octal escape of three digits, which ends
/// by itself; so are quotes, backslashes and question marks, because two of these begin a trigraph.
pub fn c_string(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => write!(literal, "\\{byte:03o}"),
            b' '..=b'~' => write!(literal, "{}", char::from(byte)),
            _ => write!(literal, "\\{byte:03o}"),
        }
        .expect("a string takes all that is written to it");
    }
    literal.push('"');
    literal
}

/// A name in a comment of C or Rust: one line, in which nothing but letters, digits and harmless signs is left as it is.
pub fn comment(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || " -_.,+".contains(c) { c } else { '_' }).collect()
}

/// Most characters of an identifier, so that it fits the name of a file.
const LONGEST: usize = 60;

/// A name that is valid in Rust, C and as that of a file.
pub fn identifier(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let mut out: String = name.chars().map(plain).take(LONGEST).collect();
    if !out.starts_with(|c: char| c.is_ascii_alphabetic()) {
        out.insert_str(0, "model_");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_plain_ascii() {
        assert_eq!(c_string("turn left"), "\"turn left\"");
        assert_eq!(c_string("gro\u{308}\u{df}e"), "\"gro\\314\\210\\303\\237e\"");
        assert_eq!(c_string("what??/ 50 % \"x\" a\\1\u{7f}"), "\"what\\077\\077/ 50 % \\042x\\042 a\\1341\\177\"");
    }

    #[test]
    fn comments_stay_comments() {
        assert_eq!(comment("Key words-2"), "Key words-2");
        assert_eq!(comment("größe"), "größe");
        for name in ["a**//b", "x\n#error y", "??/", "/*", "a\u{202e}b", "a\u{2028}b", "a\\"] {
            let plain = comment(name);
            assert!(!plain.contains(['*', '/', '\n', '\\', '?', '\u{202e}', '\u{2028}']), "{plain}");
        }
    }

    #[test]
    fn names_become_identifiers() {
        assert_eq!(identifier("Key words-2"), "key_words_2");
        assert_eq!(identifier("3x"), "model_3x");
        assert_eq!(identifier(""), "model_");
        assert_eq!(identifier("_x"), "model__x");
        assert_eq!(identifier(&"long".repeat(100)).len(), 60);
    }
}
