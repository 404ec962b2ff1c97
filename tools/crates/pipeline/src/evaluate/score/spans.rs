//! Entities and words in tags, counted as the shared task of CoNLL-2000 does (`conlleval`): a span is right if its first
//! step, its last step and its type are.
//!
//! Tags are `O`, or a prefix, a minus and a type: B begins a span, I continues it; M and E continue like I, but
//! nothing continues after E; S is a span of one step. Without a type they are words in a text (B M E S). A tag that
//! should continue but cannot, because the step before is outside or of another type, begins a span: `O I-x I-x` is one
//! span, `I-x I-y` are two.

use super::Counts;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Steps `first..end` of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span<'a> {
    /// Its first step.
    pub first: usize,
    /// The step after its last.
    pub end: usize,
    /// What it is; empty for words.
    pub kind: &'a str,
}

/// Whether tags say where spans are; parts of speech, for instance, do not.
pub fn has_spans<'a>(tags: impl IntoIterator<Item = &'a str>) -> bool {
    let mut some = false;
    for tag in tags {
        let (prefix, _) = parts(tag);
        if !matches!(prefix, "O" | "B" | "I" | "M" | "E" | "S") {
            return false;
        }
        some |= prefix != "O";
    }
    some
}

/// The spans of a sequence of tags, in order.
pub fn spans<'a>(tags: impl IntoIterator<Item = &'a str>) -> Vec<Span<'a>> {
    let mut spans: Vec<Span<'a>> = Vec::new();
    // Whether the previous step is in a span that may continue.
    let mut open = false;
    for (t, tag) in tags.into_iter().enumerate() {
        let (prefix, kind) = parts(tag);
        if prefix == "O" {
            open = false;
            continue;
        }
        match spans.last_mut() {
            Some(last) if open && last.kind == kind && matches!(prefix, "I" | "M" | "E") => last.end = t + 1,
            _ => spans.push(Span { first: t, end: t + 1, kind }),
        }
        open = !matches!(prefix, "E" | "S");
    }
    spans
}

/// Prefix and type of a tag.
fn parts(tag: &str) -> (&str, &str) {
    tag.split_once('-').unwrap_or((tag, ""))
}

/// Spans counted over many sequences, in all and by type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanScore {
    /// All types together: its F1 is the figure that is usually given.
    pub all: Counts,
    /// Each type.
    pub types: BTreeMap<String, Counts>,
}

impl SpanScore {
    /// Counts the spans of one sequence: the target tags and those answered.
    pub fn add<'a>(&mut self, wanted: impl IntoIterator<Item = &'a str>, said: impl IntoIterator<Item = &'a str>) {
        let (wanted, said) = (spans(wanted), spans(said));
        let known: HashSet<&Span<'_>> = wanted.iter().collect();
        for span in &wanted {
            self.count(span.kind, |c| c.wanted += 1);
        }
        for span in &said {
            let right = u64::from(known.contains(span));
            self.count(span.kind, |c| {
                c.said += 1;
                c.right += right;
            });
        }
    }

    fn count(&mut self, kind: &str, change: impl Fn(&mut Counts)) {
        change(&mut self.all);
        match self.types.get_mut(kind) {
            Some(counts) => change(counts),
            None => change(self.types.entry(kind.to_owned()).or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tags: &str) -> Vec<(usize, usize, &str)> {
        spans(tags.split(' ')).into_iter().map(|s| (s.first, s.end, s.kind)).collect()
    }

    #[test]
    fn spans_of_bio() {
        assert_eq!(found("B-PER I-PER O B-LOC"), [(0, 2, "PER"), (3, 4, "LOC")]);
        assert_eq!(found("O I-x I-x O"), [(1, 3, "x")], "I without B begins");
        assert_eq!(found("I-x I-y"), [(0, 1, "x"), (1, 2, "y")], "another type begins");
        assert_eq!(found("B-x I-y"), [(0, 1, "x"), (1, 2, "y")]);
        assert_eq!(found("B-x B-x I-x"), [(0, 1, "x"), (1, 3, "x")]);
        assert_eq!(found("B-creative-work I-creative-work"), [(0, 2, "creative-work")]);
        assert_eq!(found("O O"), []);
    }

    #[test]
    fn spans_of_words() {
        assert_eq!(found("B E S B M E"), [(0, 2, ""), (2, 3, ""), (3, 6, "")]);
        assert_eq!(found("M E E S"), [(0, 2, ""), (2, 3, ""), (3, 4, "")], "nothing continues after E");
        assert_eq!(found("S M B B"), [(0, 1, ""), (1, 2, ""), (2, 3, ""), (3, 4, "")]);
    }

    #[test]
    fn which_tags_have_spans() {
        assert!(has_spans(["O", "B-x", "I-x"]) && has_spans(["B", "M", "E", "S"]));
        assert!(!has_spans(["NOUN", "VERB"]) && !has_spans(["O"]) && !has_spans([]));
    }

    /// The example of seqeval's readme: one of two entities is right.
    #[test]
    fn the_published_example() {
        let mut score = SpanScore::default();
        score.add("O O O B-MISC I-MISC I-MISC O".split(' '), "O O B-MISC I-MISC I-MISC I-MISC O".split(' '));
        score.add("B-PER I-PER O".split(' '), "B-PER I-PER O".split(' '));
        assert_eq!(score.all, Counts { wanted: 2, said: 2, right: 1 });
        assert_eq!((score.all.precision(), score.all.recall(), score.all.f1()), (0.5, 0.5, 0.5));
        assert_eq!((score.types["MISC"].f1(), score.types["PER"].f1()), (0.0, 1.0));
    }

    /// By hand: wanted x(0,1) y(2,4) x(5,6); said x(0,1) y(2,3) y(3,4) z(5,6): 1 right of 3 and of 4.
    #[test]
    fn precision_and_recall_differ() {
        let mut score = SpanScore::default();
        score.add("B-x O B-y I-y O B-x".split(' '), "I-x O B-y B-y O B-z".split(' '));
        assert_eq!(score.all, Counts { wanted: 3, said: 4, right: 1 });
        assert!((score.all.f1() - 2.0 / 7.0).abs() < 1e-12);
        assert_eq!(score.types["z"], Counts { wanted: 0, said: 1, right: 0 });
        assert_eq!((score.types["z"].recall(), Counts::default().f1()), (0.0, 0.0));
    }

    /// The shared task's own rule in its own terms: whether a chunk ends between two tags, and whether one starts.
    fn by_the_rule(tags: &[&'static str]) -> Vec<(usize, usize, &'static str)> {
        let ends = |(before, kind): (&str, &str), (now, next): (&str, &str)| {
            matches!((before, now), ("B" | "I", "B" | "O") | ("E", "E" | "I" | "O" | "B"))
                || (before != "O" && kind != next)
        };
        let starts = |(before, kind): (&str, &str), (now, next): (&str, &str)| {
            matches!((before, now), ("B" | "I" | "O" | "E", "B") | ("O", "I" | "E") | ("E", "E" | "I"))
                || (now != "O" && kind != next)
        };
        let (mut found, mut first, mut before) = (Vec::new(), None, ("O", ""));
        for (t, tag) in tags.iter().chain(&["O"]).enumerate() {
            let now = parts(tag);
            if ends(before, now)
                && let Some(first) = first.take()
            {
                found.push((first, t, before.1));
            }
            if starts(before, now) {
                first = Some(t);
            }
            before = now;
        }
        found
    }

    /// All sequences of six tags.
    #[test]
    fn equal_to_the_rule_of_the_shared_task() {
        const TAGS: [&str; 7] = ["O", "B-x", "I-x", "E-x", "B-y", "I-y", "E-y"];
        let mut tags = ["O"; 6];
        for number in 0..TAGS.len().pow(6) {
            let mut rest = number;
            for tag in &mut tags {
                *tag = TAGS[rest % TAGS.len()];
                rest /= TAGS.len();
            }
            let found: Vec<_> = spans(tags).into_iter().map(|s| (s.first, s.end, s.kind)).collect();
            assert_eq!(found, by_the_rule(&tags), "{tags:?}");
        }
    }
}
