//! The symbols of a text.

use super::LoadError;
use crate::text::{Text, TextUnit};

/// Symbols of a text, the unknown one included. The order of characters is that of their bytes.
pub(super) fn count(text: &Text<'_>) -> Result<usize, LoadError> {
    // A character ends where the next begins; the end of a word is no part of the next.
    let (own, between) = match text.unit {
        TextUnit::Characters => (1, 0),
        TextUnit::Words => (0, 1),
    };
    let mut rest = text.symbols.as_bytes();
    let (mut last, mut count): (&[u8], _) = (&[], 1usize);
    let mut more = !rest.is_empty();
    while more {
        let end = rest.iter().skip(own).position(|b| text.begins(*b)).map_or(rest.len(), |n| n.wrapping_add(own));
        let (symbol, after) = rest.split_at_checked(end).unwrap_or_default();
        if last >= symbol {
            return Err(LoadError::TextOrder { symbol: count });
        }
        count = count.saturating_add(1);
        last = symbol;
        more = !after.is_empty();
        rest = after.get(between..).unwrap_or_default();
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_in_order_and_none_is_empty() {
        for (unit, symbols, wanted) in [
            (TextUnit::Characters, "", Ok(1)),
            (TextUnit::Characters, "a", Ok(2)),
            (TextUnit::Characters, "\nA\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}", Ok(9)),
            (TextUnit::Characters, "ab\u{e9}\u{e8}", Err(4)),
            (TextUnit::Characters, "aab", Err(2)),
            (TextUnit::Characters, "\u{10000}\u{ffff}", Err(2)),
            (TextUnit::Words, "", Ok(1)),
            (TextUnit::Words, "a", Ok(2)),
            (TextUnit::Words, "a\naa\nab\nb\n\u{e9}", Ok(6)),
            (TextUnit::Words, "b\na", Err(2)),
            (TextUnit::Words, "a\na", Err(2)),
            (TextUnit::Words, "\na", Err(1)),
            (TextUnit::Words, "a\n", Err(2)),
            (TextUnit::Words, "a\n\nb", Err(2)),
            (TextUnit::Words, "\n", Err(1)),
        ] {
            let text = Text { unit, symbols };
            assert_eq!(count(&text), wanted.map_err(|symbol| LoadError::TextOrder { symbol }), "{text:?}");
            assert!(wanted.is_err() || wanted == Ok(text.len()), "{text:?}");
        }
    }
}
