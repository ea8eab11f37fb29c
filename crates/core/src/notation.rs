//! How people and platforms write the same character: blanks, quotes, dashes, capitals, accents.

use compact_str::CompactString;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// White space of every width, control characters, and what shows nothing at all (a NUL, a BOM, marks of direction).
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Quotation marks, and what is typed instead of them.
pub(crate) fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '`' | '\u{b4}' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}' | '\u{2039}' | '\u{203a}'
    )
}

/// Every dash that stands for minus. Source: `docs/contracts/rules.md`, "Figures, more exactly".
pub(crate) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

/// The text without blanks around it; a NUL and a BOM are blanks too.
pub fn without_blanks(text: &str) -> &str {
    let is_visible = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if is_visible(text.as_bytes().first()) && is_visible(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(is_blank)
}

/// The text without blanks and quotation marks around it.
pub(crate) fn bare(text: &str) -> &str {
    text.trim_matches(|c| is_blank(c) || is_quote(c))
}

/// The text in small letters without accents, with one kind of dash, blank, digit and letter, whatever their width.
pub(crate) fn folded(text: &str) -> String {
    let one_kind = |c: char| match c {
        c if is_dash(c) => '-',
        c if is_blank(c) => ' ',
        c => c,
    };
    if text.is_ascii() {
        return text.chars().map(one_kind).map(|c| c.to_ascii_lowercase()).collect();
    }
    let letters = text.nfkd().filter(|c| !is_combining_mark(*c)).map(one_kind);
    letters.flat_map(char::to_lowercase).collect()
}

/// What a word is compared by: without case, accents, blanks, and quotation marks and brackets around.
pub(crate) fn word(text: &str) -> CompactString {
    let is_around =
        |c: char| matches!(c, '(' | ')' | '[' | ']' | '<' | '>' | '{' | '}') || is_blank(c) || is_quote(c);
    folded(text).trim_matches(is_around).chars().filter(|c| *c != ' ').collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Não\u{a0}Disponível", "nao disponivel")]
    #[case("Na\u{303}o Disponi\u{301}vel", "nao disponivel")]
    #[case("\u{ff0d}２１．５", "-21.5")]
    #[case("\u{2014}\u{2009}\u{feff}x", "-  x")]
    fn what_looks_alike_is_alike(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(folded(text), expected);
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
