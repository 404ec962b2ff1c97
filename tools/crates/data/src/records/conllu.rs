//! CoNLL-U: words with their parts of speech, or characters with the borders of words.
//!
//! A word of one character is tagged S; of a longer one the first character B, the last E, those between M.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::Error;
use crate::lines::{Lines, is_blank, is_comment};

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let mut sentences: Vec<Sentence> = Vec::new();
    let mut lines = Lines::open(&part.path)?;
    let mut sentence = Sentence::default();
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) {
            if !sentence.words.is_empty() {
                sentences.push(std::mem::take(&mut sentence));
            }
            continue;
        }
        if is_comment(text) {
            continue;
        }
        if sentence.words.is_empty() {
            sentence.line = line;
        }
        let added = sentence.add(text);
        added.map_err(|p| lines.problem(p))?;
    }
    if !sentence.words.is_empty() {
        sentences.push(sentence);
    }

    let task = match (found.meaning, options.task) {
        (Some((task, _)), _) => task,
        (None, None) if is_unspaced(&sentences) => Task::Segment,
        (None, _) => options.task_of(Format::Conllu, &[Task::Tag, Task::Segment, Task::Next])?,
    };
    if task == Task::Tag && sentences.iter().all(|s| s.tags.iter().all(|t| t == "_")) && !sentences.is_empty() {
        let problem = "its column UPOS holds `_` only, no parts of speech; fill it in, or take task = \"next\" or \
            \"segment\"";
        return Err(Error::File { file: part.path.clone(), problem: problem.to_owned() });
    }
    let segment = task == Task::Segment;
    let unit = options.unit_of(Format::Conllu, &[if segment { Unit::Characters } else { Unit::Words }])?;
    found.meaning = Some((task, Some(unit)));
    for sentence in sentences {
        let (symbols, answer) = match task {
            Task::Segment => {
                let surface = sentence.surface.iter().flat_map(|w| w.chars()).map(String::from).collect();
                let tags = sentence.surface.iter().flat_map(|w| borders(w)).map(String::from).collect();
                (surface, Answer::Tags(tags))
            }
            Task::Tag => (sentence.words, Answer::Tags(sentence.tags)),
            _ => (sentence.words, Answer::None),
        };
        found.push(part.split, format!("{name}:{}", sentence.line), Input::Symbols(symbols), answer);
    }
    Ok(())
}

#[derive(Default)]
struct Sentence {
    line: u64,
    /// Syntactic words and their universal parts of speech.
    words: Vec<String>,
    tags: Vec<String>,
    /// Words as they are written: `du` where it stands for `de le`.
    surface: Vec<String>,
    /// Last word that a written word of several covers.
    covered: usize,
}

impl Sentence {
    fn add(&mut self, text: &str) -> Result<(), String> {
        let mut fields = text.split('\t');
        let (Some(id), Some(form), Some(_lemma), Some(tag)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            let hint = match text.contains('\t') {
                true => "a word that is a line break must be taken out",
                false => "columns are apart by tabs, not by blanks",
            };
            return Err(format!("fewer than 4 columns between tabs; expected ID FORM LEMMA UPOS: {hint}"));
        };
        if is_blank(form) {
            return Err("an empty word".to_owned());
        }
        let number = |id: &str| id.parse::<usize>().map_err(|_| format!("`{id}` is not the number of a word"));
        if let Some((_, last)) = id.split_once('-') {
            self.covered = number(last)?;
            self.surface.push(form.to_owned());
            return Ok(());
        }
        if id.contains('.') {
            return Ok(());
        }
        if number(id)? > self.covered {
            self.surface.push(form.to_owned());
        }
        self.words.push(form.to_owned());
        self.tags.push(tag.to_owned());
        Ok(())
    }
}

/// The tags of a word's characters.
fn borders(word: &str) -> impl Iterator<Item = char> {
    let count = word.chars().count();
    (0..count).map(move |k| match k {
        0 if count == 1 => 'S',
        0 => 'B',
        k if k + 1 == count => 'E',
        _ => 'M',
    })
}

/// Whether most words are of scripts that leave no blanks between them: Thai, Lao, kana, Han.
fn is_unspaced(sentences: &[Sentence]) -> bool {
    let first = |w: &String| {
        w.chars().next().is_some_and(|c| matches!(c, '\u{e00}'..='\u{eff}' | '\u{2e80}'..='\u{abff}' | '\u{f900}'..))
    };
    let words = || sentences.iter().flat_map(|s| &s.words);
    2 * words().filter(|w| first(w)).count() > words().count()
}
