//! Words that stand where a value is not known.

use std::collections::BTreeSet;

use compact_str::CompactString;

use crate::notation::word;

/// Words that erase nothing: where one stands in a field of an ONU, the value is unknown.
///
/// Case, accents, blanks, quotation marks and brackets around do not matter; dashes alone, and nothing at all, always are such
/// a word. Source: `docs/contracts/rules.md`, "ONU data".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWords {
    words: BTreeSet<CompactString>,
    /// Whether one of them has a digit in it; what has one is no word otherwise, and needs no closer look.
    have_digits: bool,
}

/// What counts without a setting.
const WORDS: [&str; 13] = [
    "N/A",
    "N/D",
    "Não Disponível",
    "Indisponível",
    "Não Informado",
    "None",
    "null",
    "nil",
    "undefined",
    "unknown",
    "desconhecido",
    "sem sinal",
    "not available",
];

impl Default for UnknownWords {
    fn default() -> UnknownWords {
        UnknownWords::with::<&str>([])
    }
}

impl UnknownWords {
    /// The words that always count, and these.
    pub fn with<T: AsRef<str>>(more: impl IntoIterator<Item = T>) -> UnknownWords {
        let known = WORDS.iter().map(|known| word(known));
        let words: BTreeSet<CompactString> =
            known.chain(more.into_iter().map(|more| word(more.as_ref()))).collect();
        let have_digits = words.iter().any(|word| word.bytes().any(|b| b.is_ascii_digit()));
        UnknownWords { words, have_digits }
    }

    /// Whether the whole text is one of them, or says nothing.
    pub fn has(&self, text: &str) -> bool {
        if !self.have_digits && text.bytes().any(|b| b.is_ascii_digit()) {
            return false;
        }
        let key = word(text);
        key.bytes().all(|b| b == b'-') || self.words.contains(&key)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("N/A")]
    #[case("n/d")]
    #[case("Não Disponível")]
    #[case("NÃO DISPONÍVEL")]
    #[case("nao disponivel")]
    #[case("Na\u{303}o\u{a0}Disponi\u{301}vel")]
    #[case("Indisponível")]
    #[case("None")]
    #[case("NULL")]
    #[case("(null)")]
    #[case("<nil>")]
    #[case("undefined")]
    #[case("Unknown\0")]
    #[case("Desconhecido")]
    #[case("SEM SINAL")]
    #[case("-")]
    #[case("--")]
    #[case("\u{2014}")]
    #[case("")]
    #[case(" \t\u{a0}")]
    #[case("\"\"")]
    fn a_word_for_unknown_is_known_in_every_notation(#[case] text: &str) {
        assert!(UnknownWords::default().has(text), "{text:?}");
    }

    #[rstest]
    #[case("maria.147")]
    #[case("none.silva")]
    #[case("N/A (offline)")]
    #[case("0")]
    #[case("-1")]
    fn what_says_something_is_no_such_word(#[case] text: &str) {
        assert!(!UnknownWords::default().has(text), "{text:?}");
    }

    #[test]
    fn an_isps_own_words_come_to_the_others() {
        let words = UnknownWords::with(["Sem Cadastro"]);
        assert!(words.has("SEM CADASTRO") && words.has("n/a"));
        assert!(!UnknownWords::default().has("Sem Cadastro"));
    }
}
