//! A pronouncing dictionary, and how far apart pronunciations are.

use std::collections::BTreeMap;

/// A phoneme of American English: an index in `PHONES`.
pub type Phone = u8;

/// What a phoneme is, for distances.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Height 0 (low) to 3, place 0 (front) to 2, whether it glides.
    Vowel(i8, i8, bool),
    /// Manner (stop, affricate, fricative, nasal, liquid, glide), place 0 (lips) to 6 (glottis), whether it is voiced.
    Consonant(u8, i8, bool),
}

use Kind::{Consonant as C, Vowel as V};

/// The phonemes of the CMU dictionary, and signs of the neural voice that stand for them.
const PHONES: &[(&str, &str, Kind)] = &[
    ("AA", "ɑɒ", V(0, 2, false)),
    ("AE", "æa", V(0, 0, false)),
    ("AH", "ʌəᵊɐ", V(1, 1, false)),
    ("AO", "ɔ", V(1, 2, false)),
    ("AW", "W", V(0, 1, true)),
    ("AY", "I", V(0, 1, true)),
    ("EH", "ɛ", V(1, 0, false)),
    ("ER", "ɜɚ", V(1, 1, true)),
    ("EY", "A", V(2, 0, true)),
    ("IH", "ɪᵻ", V(2, 0, false)),
    ("IY", "i", V(3, 0, false)),
    ("OW", "OQo", V(2, 2, true)),
    ("OY", "Y", V(1, 2, true)),
    ("UH", "ʊ", V(2, 2, false)),
    ("UW", "u", V(3, 2, false)),
    ("B", "b", C(0, 0, true)),
    ("CH", "ʧ", C(1, 3, false)),
    ("D", "dɾ", C(0, 2, true)),
    ("DH", "ð", C(2, 1, true)),
    ("F", "f", C(2, 0, false)),
    ("G", "ɡ", C(0, 5, true)),
    ("HH", "h", C(2, 6, false)),
    ("JH", "ʤ", C(1, 3, true)),
    ("K", "k", C(0, 5, false)),
    ("L", "l", C(4, 2, true)),
    ("M", "m", C(3, 0, true)),
    ("N", "n", C(3, 2, true)),
    ("NG", "ŋ", C(3, 5, true)),
    ("P", "p", C(0, 0, false)),
    ("R", "ɹ", C(4, 3, true)),
    ("S", "s", C(2, 2, false)),
    ("SH", "ʃ", C(2, 3, false)),
    ("T", "t", C(0, 2, false)),
    ("TH", "θ", C(2, 1, false)),
    ("V", "v", C(2, 0, true)),
    ("W", "w", C(5, 0, true)),
    ("Y", "j", C(5, 4, true)),
    ("Z", "z", C(2, 2, true)),
    ("ZH", "ʒ", C(2, 3, true)),
];

/// What it costs to leave a phoneme out or put one in.
const GAP: f32 = 0.8;

/// What it costs to say one phoneme for another: 0 to 1.
fn substitution(a: Phone, b: Phone) -> f32 {
    if a == b {
        return 0.0;
    }
    let kind = |p: Phone| PHONES.get(usize::from(p)).map(|(.., kind)| *kind);
    match (kind(a), kind(b)) {
        (Some(V(h, p, g)), Some(V(i, q, f))) => {
            0.2 + 0.15 * f32::from((h - i).abs()) + 0.1 * f32::from((p - q).abs()) + if g == f { 0.0 } else { 0.1 }
        }
        (Some(C(m, p, v)), Some(C(n, q, w))) => {
            let place = (0.1 * f32::from((p - q).abs())).min(0.3);
            0.2 + place + if m == n { 0.0 } else { 0.3 } + if v == w { 0.0 } else { 0.15 }
        }
        _ => 1.0,
    }
}

/// How far apart two pronunciations are: the least cost of changes that make one of the other (an edit distance).
pub fn distance(a: &[Phone], b: &[Phone]) -> f32 {
    let mut row: Vec<f32> = (0..=b.len()).map(|k| GAP * k as f32).collect();
    for x in a {
        let mut diagonal = row[0];
        row[0] += GAP;
        for (k, y) in b.iter().enumerate() {
            let changed = diagonal + substitution(*x, *y);
            diagonal = row[k + 1];
            row[k + 1] = changed.min(row[k] + GAP).min(row[k + 1] + GAP);
        }
    }
    row.last().copied().unwrap_or(0.0)
}

/// The phonemes that signs of the neural voice stand for; others are left out.
pub fn of_signs(signs: &str) -> Vec<Phone> {
    let mut phones: Vec<Phone> = Vec::new();
    let (er, r) = (position("ER"), position("R"));
    for sign in signs.chars() {
        let Some(k) = PHONES.iter().position(|(_, signs, _)| signs.contains(sign)) else { continue };
        // ɜɹ is one phoneme.
        if Some(k as Phone) == r && phones.last().copied() == er {
            continue;
        }
        phones.push(k as Phone);
    }
    phones
}

fn position(name: &str) -> Option<Phone> {
    PHONES.iter().position(|(n, ..)| *n == name).map(|k| k as Phone)
}

/// Words and their phonemes.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    words: BTreeMap<String, Vec<Phone>>,
}

impl Dictionary {
    /// Of lines `"word": "P H O N E S",`, as the package has them; the numbers of stress are left out, and so is every line of another
    /// form and every second pronunciation.
    pub fn parse(text: &str) -> Self {
        let word = |line: &str| {
            let (word, phones) =
                line.trim().trim_end_matches(',').strip_prefix('"')?.strip_suffix('"')?.split_once("\": \"")?;
            let plain = word.chars().all(|c| c.is_ascii_lowercase());
            let of = |name: &str| position(name.trim_end_matches(|c: char| c.is_ascii_digit()));
            let phones: Option<Vec<Phone>> = phones.split(' ').map(of).collect();
            plain.then_some((word.to_owned(), phones?))
        };
        Dictionary { words: text.lines().filter_map(word).collect() }
    }

    /// The phonemes of a word.
    pub fn get(&self, word: &str) -> Option<&[Phone]> {
        self.words.get(word).map(Vec::as_slice)
    }

    /// Words and their phonemes, in the order of words.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Phone])> {
        self.words.iter().map(|(word, phones)| (word.as_str(), phones.as_slice()))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "export const dictionary = {\n  \"lamp\": \"L AE1 M P\",\n  \"lamb\": \"L AE1 M\",\n  \"lump\": \"L AH1 M P\",\n  \
                        \"ramp\": \"R AE1 M P\",\n  \"lamp(2)\": \"L AA1 M P\",\n  \"bird\": \"B ER1 D\",\n  \"o'clock\": \"AH0 K L AA1 K\"\n}";

    #[test]
    fn lines_of_the_package_are_words() {
        let dictionary = Dictionary::parse(TEXT);
        assert_eq!(dictionary.iter().map(|(w, _)| w).collect::<Vec<_>>(), ["bird", "lamb", "lamp", "lump", "ramp"]);
        assert_eq!(dictionary.get("lamp"), Some(&of_signs("lˈæmp")[..]));
        assert_eq!(dictionary.get("bird"), Some(&of_signs("bˈɜɹd")[..]));
        assert!(Dictionary::parse("no dictionary").is_empty());
    }

    #[test]
    fn what_sounds_alike_is_near() {
        let d = |a: &str, b: &str| distance(&of_signs(a), &of_signs(b));
        assert_eq!(d("læmp", "læmp"), 0.0);
        assert_eq!(d("", "læ"), 1.6);
        assert!((d("læmp", "læm") - GAP).abs() < 1e-6);
        assert!(d("læmp", "lʌmp") < d("læmp", "lump"), "vowels next to each other");
        assert!(d("læmp", "læmb") < d("læmp", "læms"), "voice alone");
        assert!(d("læmp", "kIt") > 2.0);
        assert_eq!(d("kˈæt", "dɔɡ"), d("dɔɡ", "kˈæt"));
        for a in 0..PHONES.len() as u8 {
            for b in 0..PHONES.len() as u8 {
                let cost = substitution(a, b);
                assert!((a == b) == (cost == 0.0) && cost <= 1.0 && cost == substitution(b, a), "{a} {b} {cost}");
            }
        }
    }
}
