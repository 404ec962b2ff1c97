//! Symbols and their indices, as a network reads them and a blob carries them.

use super::{Answer, Input, Record, Unit};
use elman::text::{Text, TextUnit};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;

/// Which symbols get an index of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VocabularyOptions {
    /// Symbols that occur less often in train are unknown.
    pub min_count: usize,
    /// Most symbols in addition to the unknown one, the most frequent first; 0: as many as a `u16` can number.
    pub max_symbols: usize,
    /// Turns letters into small ones. The device does not: its text has to be folded before.
    pub lower_case: bool,
    /// Turns ASCII digits into 0. The device does not: its text has to be folded before.
    pub fold_digits: bool,
}

impl Default for VocabularyOptions {
    fn default() -> Self {
        VocabularyOptions { min_count: 1, max_symbols: 0, lower_case: false, fold_digits: false }
    }
}

/// The symbols of a network's text: index 0 is the unknown symbol, 1 and on the others, sorted bytewise, which for
/// characters is the order of code points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    unit: Unit,
    lower_case: bool,
    fold_digits: bool,
    /// All but the unknown one.
    symbols: Vec<String>,
}

impl Vocabulary {
    /// Counts the symbols of `records`. What is no single character where `unit` is characters, or holds a newline where
    /// it is words, stays unknown, as a blob could not carry it.
    pub fn build(records: &[Record], unit: Unit, options: &VocabularyOptions) -> Vocabulary {
        let inputs = records.iter().filter_map(|record| match &record.input {
            Input::Symbols(symbols) => Some(&symbols[..]),
            Input::Values(_) => None,
        });
        Self::count(inputs, unit, options)
    }

    /// The symbols of the targets of `records`, by the same rules, without an unknown one.
    pub fn of_targets(records: &[Record], options: &VocabularyOptions) -> Vec<String> {
        let targets = records.iter().filter_map(|record| match &record.answer {
            Answer::Symbols(symbols) => Some(&symbols[..]),
            _ => None,
        });
        Self::count(targets, Unit::Words, options).symbols
    }

    fn count<'a>(lists: impl Iterator<Item = &'a [String]>, unit: Unit, options: &VocabularyOptions) -> Vocabulary {
        let (lower_case, fold_digits) = (options.lower_case, options.fold_digits);
        let mut vocabulary = Vocabulary { unit, lower_case, fold_digits, symbols: Vec::new() };
        let mut counts: HashMap<Cow<'_, str>, usize> = HashMap::new();
        for symbol in lists.flatten() {
            *counts.entry(vocabulary.fold(symbol)).or_default() += 1;
        }
        let fits = |symbol: &str| match unit {
            Unit::Characters => symbol.chars().count() == 1,
            Unit::Words => !symbol.is_empty() && !symbol.contains('\n'),
        };
        let mut known: Vec<(Cow<'_, str>, usize)> =
            counts.into_iter().filter(|(s, count)| *count >= options.min_count && fits(s)).collect();
        known.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let most = usize::from(u16::MAX);
        known.truncate(if options.max_symbols == 0 { most } else { options.max_symbols.min(most) });
        let mut symbols: Vec<String> = known.into_iter().map(|(s, _)| s.into_owned()).collect();
        symbols.sort_unstable();
        vocabulary.symbols = symbols;
        vocabulary
    }

    /// The vocabulary that a blob carries.
    pub fn of_text(text: &Text<'_>) -> Vocabulary {
        let (unit, symbols) = match text.unit {
            TextUnit::Characters => (Unit::Characters, text.symbols.chars().map(String::from).collect()),
            TextUnit::Words => (Unit::Words, text.symbols.lines().map(str::to_owned).collect()),
        };
        Vocabulary { unit, lower_case: false, fold_digits: false, symbols }
    }

    /// A vocabulary of these symbols, in any order; what cannot be a symbol of this unit is left out.
    pub fn of_symbols(unit: Unit, symbols: impl IntoIterator<Item = String>) -> Vocabulary {
        let fits = |symbol: &String| match unit {
            Unit::Characters => symbol.chars().count() == 1,
            Unit::Words => !symbol.is_empty() && !symbol.contains('\n'),
        };
        let mut symbols: Vec<String> = symbols.into_iter().filter(fits).collect();
        symbols.sort_unstable();
        symbols.dedup();
        Vocabulary { unit, lower_case: false, fold_digits: false, symbols }
    }

    /// What a symbol is.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// How many indices there are, the unknown one among them.
    pub fn rows(&self) -> usize {
        self.symbols.len() + 1
    }

    /// The symbols after the unknown one: index `k + 1` is `symbols()[k]`.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// The symbol of an index; `None` for the unknown one and beyond the last.
    pub fn symbol(&self, index: usize) -> Option<&str> {
        self.symbols.get(index.checked_sub(1)?).map(String::as_str)
    }

    /// The index of a symbol; 0 if it is unknown.
    pub fn index(&self, symbol: &str) -> u16 {
        let symbol = self.fold(symbol);
        self.symbols.binary_search_by(|s| s.as_str().cmp(&symbol)).map_or(0, |k| (k + 1) as u16)
    }

    /// The indices of symbols.
    pub fn encode(&self, symbols: &[String]) -> Vec<u16> {
        symbols.iter().map(|s| self.index(s)).collect()
    }

    /// The symbols as a blob carries them: characters one after the other, words one a line.
    pub fn text(&self) -> String {
        match self.unit {
            Unit::Characters => self.symbols.concat(),
            Unit::Words => self.symbols.join("\n"),
        }
    }

    fn fold<'a>(&self, symbol: &'a str) -> Cow<'a, str> {
        let mut out = Cow::Borrowed(symbol);
        if self.lower_case && out.chars().any(char::is_uppercase) {
            out = out.to_lowercase().into();
        }
        if self.fold_digits && out.bytes().any(|b| b.is_ascii_digit()) {
            out = out.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>().into();
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(lines: &[&str]) -> Vec<Record> {
        let input = |l: &&str| Input::Symbols(l.split(' ').map(str::to_owned).collect());
        lines
            .iter()
            .map(|l| Record {
                name: String::new(),
                input: input(l),
                joints: crate::ExampleStructure::None,
                answer: Answer::None,
            })
            .collect()
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn sorted_bytewise_behind_the_unknown() {
        let v = Vocabulary::build(&records(&["b 。 a", "秦 a Z"]), Unit::Characters, &VocabularyOptions::default());
        assert_eq!((v.symbols(), v.rows(), v.text().as_str()), (&words("Z a b 。 秦")[..], 6, "Zab。秦"));
        assert_eq!(v.encode(&words("秦 x Z")), [5, 0, 1]);
        assert_eq!((v.symbol(0), v.symbol(2), v.symbol(6)), (None, Some("a"), None));
    }

    #[test]
    fn rare_symbols_are_unknown() {
        let all = records(&["to be or not to be", "to me"]);
        let options = VocabularyOptions { min_count: 2, ..VocabularyOptions::default() };
        assert_eq!(Vocabulary::build(&all, Unit::Words, &options).text(), "be\nto");
        let options = VocabularyOptions { max_symbols: 3, ..VocabularyOptions::default() };
        assert_eq!(Vocabulary::build(&all, Unit::Words, &options).symbols(), ["be", "me", "to"]);
        let characters = Vocabulary::build(&all, Unit::Characters, &VocabularyOptions::default());
        assert_eq!(characters.rows(), 1, "words are no characters");
    }

    #[test]
    fn folding() {
        let options = VocabularyOptions { lower_case: true, fold_digits: true, ..VocabularyOptions::default() };
        let v = Vocabulary::build(&records(&["The 1984 Straße", "the 2001"]), Unit::Words, &options);
        assert_eq!(v.symbols(), ["0000", "straße", "the"]);
        assert_eq!(v.encode(&words("THE 1234 12 STRASSE")), [3, 1, 0, 0]);
    }
}
