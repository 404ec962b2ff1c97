//! Phonemes of a text, as the neural voice reads them: the IPA of espeak-ng with the signs of Kokoro's vocabulary.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Signs of the vocabulary and their numbers, each run of numbers from its first.
const VOCABULARY: &[(u16, &str)] = &[
    (1, ";:,.!?"),
    (9, "—…\"()“” \u{303}ʣʥʦʨᵝ\u{ab67}AI"),
    (31, "O"),
    (33, "Q"),
    (35, "ST"),
    (39, "W"),
    (41, "Yᵊabcdef"),
    (50, "hijklmnopqrstuvwxyzɑɐɒæ"),
    (75, "βɔɕç"),
    (80, "ɖðʤə"),
    (85, "ɚɛɜ"),
    (90, "ɟ"),
    (92, "ɡ"),
    (99, "ɥ"),
    (101, "ɨɪʝ"),
    (110, "ɯɰŋɳɲɴø"),
    (118, "ɸθœ"),
    (123, "ɹ"),
    (125, "ɾɻ"),
    (128, "ʁɽʂʃʈʧ"),
    (135, "ʊʋ"),
    (138, "ʌɣɤ"),
    (142, "χʎ"),
    (147, "ʒʔ"),
    (156, "ˈˌː"),
    (162, "ʰ"),
    (164, "ʲ"),
    (169, "↓"),
    (171, "→↗↘"),
    (177, "ᵻ"),
];

/// Most signs that are spoken at once.
pub const MOST: usize = 500;

/// What espeak-ng writes with several signs, or with others, where `^` ties two: for all languages.
const TIED: &[(&str, &str)] = &[
    ("a^ɪ", "I"),
    ("a^ʊ", "W"),
    ("e^ɪ", "A"),
    ("o^ʊ", "O"),
    ("ə^ʊ", "Q"),
    ("ɔ^ɪ", "Y"),
    ("d^z", "ʣ"),
    ("t^s", "ʦ"),
    ("d^ʒ", "ʤ"),
    ("t^ʃ", "ʧ"),
];
/// The same for English alone.
const ENGLISH: &[(&str, &str)] =
    &[("ɚ", "əɹ"), ("ɐ", "ə"), ("r", "ɹ"), ("x", "k"), ("ç", "k"), ("ɬ", "l"), ("ʔ", "t"), ("ʲ", "")];
/// American English has no long vowels as signs.
const AMERICAN: &[(&str, &str)] = &[("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", "")];
/// British English has.
const BRITISH: &[(&str, &str)] = &[("iə", "ɪə")];

/// Languages that espeak-ng and the neural voice share: as flags name them, as espeak-ng does, and the first letters of speakers' names.
const LANGUAGES: &[(&str, &str, &str)] = &[
    ("en", "en-us", "ab"),
    ("en-us", "en-us", "a"),
    ("en-gb", "en-gb", "b"),
    ("es", "es", "e"),
    ("fr", "fr-fr", "f"),
    ("fr-fr", "fr-fr", "f"),
    ("hi", "hi", "h"),
    ("it", "it", "i"),
    ("pt", "pt-br", "p"),
    ("pt-br", "pt-br", "p"),
];

/// What a language is called by espeak-ng, and the first letters of its speakers; none where the neural voice has no phonemes of it.
pub fn language(name: &str) -> Option<(&'static str, &'static str)> {
    LANGUAGES.iter().find(|(flag, ..)| *flag == name).map(|(_, espeak, speakers)| (*espeak, *speakers))
}

/// The languages, for a message.
pub fn languages() -> String {
    LANGUAGES.iter().map(|(flag, ..)| *flag).collect::<Vec<_>>().join(", ")
}

fn token(sign: char) -> Option<u16> {
    VOCABULARY
        .iter()
        .find_map(|(first, signs)| Some(first + u16::try_from(signs.chars().position(|s| s == sign)?).ok()?))
}

/// The numbers of phonemes.
///
/// # Errors
/// Where there are none or more than [`MOST`], or a sign is not in the vocabulary.
pub fn tokens(phonemes: &str) -> Result<Vec<u16>> {
    let known = |sign: char| {
        token(sign).with_context(|| format!("the neural voice does not know the phoneme `{sign}` of `{phonemes}`"))
    };
    let tokens: Vec<u16> = phonemes.chars().map(known).collect::<Result<_>>()?;
    ensure!(tokens.len() <= MOST, "{} phonemes are more than the {MOST} that are spoken at once", tokens.len());
    ensure!(phonemes.chars().any(char::is_alphabetic), "there is nothing to speak in `{phonemes}`");
    Ok(tokens)
}

/// The IPA that espeak-ng writes, with the signs of the vocabulary; others are left out.
fn mapped(ipa: &str, espeak: &str) -> String {
    // A consonant that is a syllable has a weak vowel before it.
    let mut text = String::new();
    for sign in ipa.chars() {
        match (sign, text.pop()) {
            ('\u{329}', Some(before)) => text.extend(['ᵊ', before]),
            (sign, before) => text.extend(before.into_iter().chain([sign])),
        }
    }
    let english = espeak.starts_with("en");
    let accent = if espeak == "en-us" { AMERICAN } else { BRITISH };
    let tables: &[&[(&str, &str)]] =
        if english { &[TIED, &[("e^ə", "ɛː"), ("^", "")], accent, ENGLISH] } else { &[TIED] };
    for (from, to) in tables.iter().copied().flatten() {
        text = text.replace(from, to);
    }
    let known: String =
        text.chars().map(|s| if s.is_whitespace() { ' ' } else { s }).filter(|s| token(*s).is_some()).collect();
    known.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The phonemes of a text, by espeak-ng in one of its languages.
///
/// # Errors
/// Where espeak-ng is missing, does not know the language, or finds nothing to speak.
pub fn of_text(text: &str, espeak: &str) -> Result<String> {
    let output = Command::new("espeak-ng").args(["-q", "--ipa=3", "--tie=^", "-v", espeak, "--", text]).output();
    let Ok(output) = output else { bail!(MISSING) };
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && !said.contains("does not exist"),
        "espeak-ng failed for {text:?} in `{espeak}`: {}",
        said.trim()
    );
    let phonemes = mapped(&String::from_utf8_lossy(&output.stdout), espeak);
    ensure!(phonemes.chars().any(char::is_alphabetic), "espeak-ng finds nothing to speak in {text:?}");
    Ok(phonemes)
}

/// What is said where espeak-ng is not installed.
pub const MISSING: &str = "espeak-ng is not installed; on Debian and Ubuntu: apt-get install espeak-ng";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_have_the_numbers_of_the_published_vocabulary() {
        // Some of each run, and its ends.
        for (sign, number) in [
            (';', 1),
            ('?', 6),
            ('—', 9),
            (' ', 16),
            ('\u{303}', 17),
            ('A', 24),
            ('I', 25),
            ('O', 31),
            ('Q', 33),
            ('T', 36),
            ('W', 39),
            ('Y', 41),
            ('ᵊ', 42),
            ('a', 43),
            ('f', 48),
            ('h', 50),
            ('z', 68),
            ('ɑ', 69),
            ('æ', 72),
            ('β', 75),
            ('ç', 78),
            ('ð', 81),
            ('ə', 83),
            ('ɜ', 87),
            ('ɟ', 90),
            ('ɡ', 92),
            ('ɪ', 102),
            ('ŋ', 112),
            ('ø', 116),
            ('θ', 119),
            ('œ', 120),
            ('ɹ', 123),
            ('ɾ', 125),
            ('ʁ', 128),
            ('ʃ', 131),
            ('ʧ', 133),
            ('ʋ', 136),
            ('ʌ', 138),
            ('ʎ', 143),
            ('ʒ', 147),
            ('ʔ', 148),
            ('ˈ', 156),
            ('ː', 158),
            ('ʰ', 162),
            ('ʲ', 164),
            ('↓', 169),
            ('↘', 173),
            ('ᵻ', 177),
        ] {
            assert_eq!(token(sign), Some(number), "{sign}");
        }
        assert_eq!(VOCABULARY.iter().map(|(_, signs)| signs.chars().count()).sum::<usize>(), 114);
        assert_eq!([token('g'), token('ツ')], [None, None]);
    }

    #[test]
    fn phonemes_of_espeak_become_those_of_the_voice() {
        assert_eq!(mapped("hˈe^ɪ lˈæmp\n", "en-us"), "hˈA lˈæmp");
        assert_eq!(mapped("d^ʒˈɑː^ɹvɪs", "en-us"), "ʤˈɑɹvɪs");
        assert_eq!(mapped("kəmpjˈuːɾɚ", "en-us"), "kəmpjˈuɾəɹ");
        assert_eq!(mapped("bˈɜːd hˈə^ʊm", "en-gb"), "bˈɜːd hˈQm");
        assert_eq!(mapped("bˈʌtn\u{329}", "en-us"), "bˈʌtᵊn");
        assert_eq!(mapped("o^ʊpˈe^ɪ", "fr-fr"), "OpˈA");
        assert_eq!(mapped("  \n", "en-us"), "");
    }

    #[test]
    fn what_cannot_be_spoken_is_an_error_with_its_sign() {
        assert_eq!(tokens("hˈA").unwrap(), [50, 156, 24]);
        assert!(tokens("hg").unwrap_err().to_string().contains("phoneme `g`"));
        assert!(tokens(" . ").unwrap_err().to_string().contains("nothing to speak"));
        assert!(tokens("").is_err());
        assert!(tokens(&"a".repeat(501)).unwrap_err().to_string().contains("501 phonemes"));
        assert_eq!(language("en"), Some(("en-us", "ab")));
        assert_eq!(language("tlh"), None);
    }
}
