//! Flags of a verb.

use anyhow::Result;
use lexopt::{Arg, Parser, ValueExt};
use std::str::FromStr;

/// A verb's flags, taken one after the other.
#[derive(Debug)]
pub struct Flags {
    parser: Parser,
    rest: Vec<String>,
}

/// A flag that is not there, or a wrong value.
#[derive(Debug)]
pub struct Wrong(String);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; `--help` lists the flags", self.0)
    }
}

impl std::error::Error for Wrong {}

impl From<lexopt::Error> for Wrong {
    fn from(error: lexopt::Error) -> Self {
        Wrong(error.to_string())
    }
}

impl Flags {
    /// The words after a verb.
    pub fn new(words: &[String]) -> Self {
        let end = words.iter().position(|w| w == "--").unwrap_or(words.len());
        Flags { parser: Parser::from_args(&words[..end]), rest: words.iter().skip(end + 1).cloned().collect() }
    }

    /// The next flag without its dashes; `None` at the end.
    ///
    /// # Errors
    /// Where the next word is no flag.
    pub fn next(&mut self) -> Result<Option<String>> {
        match self.parser.next().map_err(Wrong::from)? {
            None => Ok(None),
            Some(Arg::Long(name)) => Ok(Some(name.to_owned())),
            Some(Arg::Short(name)) => Ok(Some(name.to_string())),
            Some(arg @ Arg::Value(_)) => Err(Wrong::from(arg.unexpected()).into()),
        }
    }

    /// The value of the flag that came last.
    ///
    /// # Errors
    /// Where there is none or it cannot be read.
    pub fn value<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(&mut self) -> Result<T> {
        Ok(self.parser.value().and_then(|v| v.parse()).map_err(Wrong::from)?)
    }

    /// What follows `--`.
    pub fn rest(&mut self) -> Vec<String> {
        std::mem::take(&mut self.rest)
    }
}

/// The error for a flag that a verb does not have.
pub fn unknown(name: &str) -> anyhow::Error {
    Wrong(format!("there is no flag `{name}`")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> Flags {
        Flags::new(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn flags_values_and_the_rest() {
        let mut flags = flags("--only pico -y --seconds=5 -- --epochs 2");
        assert_eq!(flags.next().unwrap().unwrap(), "only");
        assert_eq!(flags.value::<String>().unwrap(), "pico");
        assert_eq!(flags.next().unwrap().unwrap(), "y");
        assert_eq!(flags.next().unwrap().unwrap(), "seconds");
        assert_eq!(flags.value::<u32>().unwrap(), 5);
        assert_eq!(flags.next().unwrap(), None);
        assert_eq!(flags.rest(), ["--epochs", "2"]);
    }

    #[test]
    fn wrong_words_are_refused() {
        assert!(flags("word").next().unwrap_err().is::<Wrong>());
        let mut seconds = flags("--seconds many");
        assert_eq!(seconds.next().unwrap().unwrap(), "seconds");
        assert!(seconds.value::<u32>().unwrap_err().to_string().contains("many"));
    }
}
