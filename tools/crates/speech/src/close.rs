//! What sounds like a word and is another: words of a dictionary by their distance, parts of a phrase, and phonemes that are changed.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};

use crate::dictionary::{Dictionary, Phone, distance, of_signs};

/// Least distance of a word that counts as another, and for each phoneme of the word: less is how people say the same word.
const SAME: (f32, f32) = (0.45, 0.2);
/// Largest distance for each phoneme of the word.
const NEAR: f32 = 0.5;

/// Words of the dictionary that sound like `word`, whose phonemes are `phones`: the closest first, without its own forms.
pub fn words(word: &str, phones: &[Phone], dictionary: &Dictionary, most: usize) -> Vec<String> {
    let least = SAME.0.max(SAME.1 * phones.len() as f32);
    let reach = NEAR * phones.len() as f32;
    // What contains the word whole may well be detected.
    let within = |longer: &[Phone]| phones.is_empty() || longer.windows(phones.len()).any(|w| w == phones);
    let mut near: Vec<(f32, &str)> = dictionary
        .iter()
        .filter(|(other, its)| *other != word && its.len().abs_diff(phones.len()) <= 3 && !within(its))
        .map(|(other, its)| (distance(phones, its), other))
        .filter(|(d, _)| (least..=reach).contains(d))
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    near.into_iter().take(most).map(|(_, other)| other.to_owned()).collect()
}

/// The phonemes of a word: of the dictionary, or else of signs of the neural voice.
pub fn phones(word: &str, signs: Option<&str>, dictionary: &Dictionary) -> Vec<Phone> {
    dictionary.get(word).map_or_else(|| signs.map(of_signs).unwrap_or_default(), <[Phone]>::to_vec)
}

/// What sounds like a phrase: each of its words alone and replaced by one that sounds like it, its words in another order, and
/// the first and last of them missing. `near` has words close to each.
pub fn phrases(phrase: &[String], near: &[Vec<String>], most: usize) -> Vec<String> {
    if phrase.len() < 2 {
        return near.first().map(|n| n.iter().take(most).cloned().collect()).unwrap_or_default();
    }
    let mut all: Vec<String> = phrase.to_vec();
    all.push(phrase.iter().rev().cloned().collect::<Vec<_>>().join(" "));
    all.extend([&phrase[1..], &phrase[..phrase.len() - 1]].map(|part| part.join(" ")));
    // One after another for each place, so that every word is replaced as often.
    for k in 0..near.iter().map(Vec::len).max().unwrap_or(0) {
        for (place, words) in near.iter().enumerate() {
            if let Some(other) = words.get(k) {
                let mut changed = phrase.to_vec();
                changed[place].clone_from(other);
                all.push(changed.join(" "));
            }
        }
    }
    let own = phrase.join(" ");
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|text| *text != own && seen.insert(text.clone()));
    all.truncate(most);
    all
}

/// Words and short phrases of everyday English, a line each.
pub const COMMON: &str = include_str!("common.txt");

/// Signs that sound like each other: one is said for another.
const ALIKE: &[&str] = &["pbtdkɡ", "fvszʃʒθð", "mnŋ", "lɹɾwj", "ʤʧ", "iɪeɛæa", "uʊoɔɑɒ", "əʌɜ", "AIOYWQ"];

/// Phonemes with a third of them, at least two, changed to others of their kind: near misses in any language.
pub fn changed(phonemes: &str, rng: &mut impl Rng) -> Option<String> {
    let mut signs: Vec<char> = phonemes.chars().collect();
    let kind = |sign: char| ALIKE.iter().find(|kind| kind.contains(sign));
    let mut places: Vec<usize> = (0..signs.len()).filter(|k| kind(signs[*k]).is_some()).collect();
    if places.len() < 2 {
        return None;
    }
    places.shuffle(rng);
    let n = (places.len() / 3).max(2) + rng.random_range(0..2);
    for place in places.into_iter().take(n) {
        let others: Vec<char> = kind(signs[place])?.chars().filter(|c| *c != signs[place]).collect();
        signs[place] = *others.choose(rng)?;
    }
    Some(signs.into_iter().collect())
}

/// What speakers with an accent say for a sign.
const ACCENTS: &[(char, &str)] = &[
    ('i', "ɪ"),
    ('ɪ', "i"),
    ('ɛ', "æeA"),
    ('æ', "aɛ"),
    ('A', "eɛ"),
    ('ə', "aʌɑ"),
    ('ʌ', "aə"),
    ('ɑ', "aɔ"),
    ('ɔ', "oɑ"),
    ('O', "oɔ"),
    ('u', "ʊ"),
    ('ʊ', "u"),
    ('ɜ', "əɛ"),
    ('ɹ', "ɾr"),
    ('ɾ', "t"),
    ('θ', "ts"),
    ('ð', "dz"),
    ('w', "v"),
    ('z', "s"),
    ('ʤ', "ʒ"),
];

/// The same word with up to two signs as another accent has them.
pub fn accented(phonemes: &str, rng: &mut impl Rng) -> String {
    let mut signs: Vec<char> = phonemes.chars().collect();
    let others = |sign: char| ACCENTS.iter().find(|(from, _)| *from == sign).map(|(_, to)| *to);
    let places: Vec<usize> = (0..signs.len()).filter(|k| others(signs[*k]).is_some()).collect();
    for _ in 0..rng.random_range(1..=2) {
        let Some(place) = places.choose(rng) else { break };
        let to: Vec<char> = others(signs[*place]).into_iter().flat_map(str::chars).collect();
        signs[*place] = to.choose(rng).copied().unwrap_or(signs[*place]);
    }
    signs.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn dictionary() -> Dictionary {
        let lines = [
            ("lamp", "L AE1 M P"),
            ("lamps", "L AE1 M P S"),
            ("lump", "L AH1 M P"),
            ("lamb", "L AE1 M"),
            ("ramp", "R AE1 M P"),
            ("limb", "L IH1 M"),
            ("kitchen", "K IH1 CH AH0 N"),
            ("camp", "K AE1 M P"),
            ("hey", "HH EY1"),
            ("hay", "HH EY1"),
            ("day", "D EY1"),
            ("he", "HH IY1"),
        ];
        let text: Vec<String> = lines.iter().map(|(word, phones)| format!("\"{word}\": \"{phones}\",")).collect();
        Dictionary::parse(&text.join("\n"))
    }

    #[test]
    fn close_words_are_near_and_not_the_word_itself() {
        let dictionary = dictionary();
        let lamp = phones("lamp", None, &dictionary);
        let near = words("lamp", &lamp, &dictionary, 10);
        assert_eq!(near, ["lamb", "camp", "limb"]);
        // Its plural contains it, a kitchen is far, and `lump` and `ramp` are how some say it.
        assert_eq!(words("lamp", &lamp, &dictionary, 1).len(), 1);
        assert!(words("xyz", &[], &dictionary, 5).is_empty());
        assert_eq!(phones("bleep", Some("blˈip"), &dictionary), of_signs("blip"));
    }

    #[test]
    fn parts_of_a_phrase_are_no_phrase() {
        let phrase = ["hey".to_owned(), "lamp".to_owned()];
        let near = [vec!["day".to_owned(), "he".to_owned()], vec!["lamb".to_owned()]];
        let all = phrases(&phrase, &near, 20);
        assert_eq!(all, ["hey", "lamp", "lamp hey", "day lamp", "hey lamb", "he lamp"]);
        assert_eq!(phrases(&phrase, &near, 2), ["hey", "lamp"]);
        assert_eq!(phrases(&phrase[..1], &near[..1], 1), ["day"]);
        assert!(phrases(&[], &[], 5).is_empty());
    }

    #[test]
    fn an_accent_changes_little_and_speaks_known_signs() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut changed = 0;
        for _ in 0..50 {
            let text = accented("əlˈɛksə", &mut rng);
            let differ = text.chars().zip("əlˈɛksə".chars()).filter(|(a, b)| a != b).count();
            assert!(differ <= 2 && crate::phonemes::tokens(&text).is_ok(), "{text}");
            changed += usize::from(differ > 0);
        }
        // A second change may undo the first.
        assert!(changed > 40, "{changed}");
        assert_eq!(accented("st", &mut rng), "st");
        let all: String = ACCENTS.iter().flat_map(|(from, to)| [from.to_string(), (*to).to_string()]).collect();
        assert!(crate::phonemes::tokens(&all).is_ok());
    }

    #[test]
    fn changed_phonemes_stay_of_their_kind() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..50 {
            let text = changed("kəmpjˈuɾəɹ", &mut rng).unwrap();
            let differ = text.chars().zip("kəmpjˈuɾəɹ".chars()).filter(|(a, b)| a != b).count();
            assert!(
                (2..=4).contains(&differ) && text.chars().count() == 10 && crate::phonemes::tokens(&text).is_ok(),
                "{text}"
            );
        }
        assert_eq!(changed("ˈ", &mut rng), None);
    }
}
