//! What a tenant's settings make of INT6's words.

use std::collections::BTreeMap;

use compact_str::CompactString;

use super::PowerReading;
use crate::notation::word;
use crate::status::WordStatus;

/// The words of which a tenant's settings say what they do to the status. Default none.
///
/// Case, accents, blanks, quotation marks and brackets around do not matter. Source: `docs/contracts/rules.md`, "Words with a
/// status of their own".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusWords(BTreeMap<CompactString, WordStatus>);

/// Why words and what they do are no such setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusWordError {
    /// It is a figure, or says nothing.
    #[error("names \"{0}\", which is no word: figures and empty readings have rules of their own")]
    NoWord(String),
    /// One word, two statuses.
    #[error("names \"{0}\" twice")]
    Twice(String),
}

impl StatusWords {
    /// Takes words with what they do.
    ///
    /// # Errors
    /// [`StatusWordError`] for what can never be met as a word, and for a word with two statuses.
    pub fn new<T: AsRef<str>>(
        words: impl IntoIterator<Item = (T, WordStatus)>,
    ) -> Result<StatusWords, StatusWordError> {
        let mut known = BTreeMap::new();
        for (text, status) in words {
            let (text, key) = (text.as_ref(), word(text.as_ref()));
            if key.is_empty() || PowerReading::from_text(text) != Ok(PowerReading::Text) {
                return Err(StatusWordError::NoWord(text.to_owned()));
            }
            if known.insert(key, status).is_some_and(|before| before != status) {
                return Err(StatusWordError::Twice(text.to_owned()));
            }
        }
        Ok(StatusWords(known))
    }

    /// The reading of a text, with the status of its word if that has one.
    pub fn named(&self, reading: PowerReading, text: &str) -> PowerReading {
        match reading {
            PowerReading::Text if !self.0.is_empty() => {
                self.0.get(&word(text)).map_or(reading, |status| PowerReading::Word(*status))
            }
            _ => reading,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::power::Target;
    use crate::status::Status;

    fn words() -> StatusWords {
        let words = [("power_fail", WordStatus::Keep), (" Aten\u{e7}\u{e3}o ", WordStatus::Ok)];
        StatusWords::new(words.into_iter().chain([("LOS", WordStatus::Error)])).expect("words")
    }

    #[rstest]
    #[case("power_fail", PowerReading::Word(WordStatus::Keep))]
    #[case(" POWER_FAIL\u{a0}", PowerReading::Word(WordStatus::Keep))]
    #[case("power _fail", PowerReading::Word(WordStatus::Keep))]
    #[case("atencao", PowerReading::Word(WordStatus::Ok))]
    #[case("los", PowerReading::Word(WordStatus::Error))]
    #[case("power_fail 2", PowerReading::Text)]
    #[case("", PowerReading::Absent)]
    #[case("0", PowerReading::Zero)]
    fn a_word_is_known_in_every_notation(#[case] text: &str, #[case] expected: PowerReading) {
        let reading = PowerReading::from_text(text).expect("a reading");
        assert_eq!(words().named(reading, text), expected);
        assert_eq!(StatusWords::default().named(reading, text), reading);
    }

    #[test]
    fn a_word_moves_the_status_alone() {
        let of = |status| PowerReading::Word(status).target();
        let only = |status| Target { status: Some(status), ..Target::default() };
        assert_eq!(of(WordStatus::Ok), only(Status::Ok));
        assert_eq!(of(WordStatus::Error), only(Status::Error));
        assert_eq!(of(WordStatus::Keep), Target::default());
    }

    #[rstest]
    #[case("-40")]
    #[case("0.0 dBm")]
    #[case("null")]
    #[case(" ")]
    #[case("()")]
    fn what_is_never_met_as_a_word_is_refused(#[case] text: &str) {
        let refused = StatusWords::new([(text, WordStatus::Keep)]);
        assert_eq!(refused, Err(StatusWordError::NoWord(text.to_owned())));
    }

    #[test]
    fn a_word_has_one_status() {
        let words = |second| StatusWords::new([("LOS", WordStatus::Keep), ("los", second)]);
        assert!(words(WordStatus::Keep).is_ok());
        assert_eq!(words(WordStatus::Ok), Err(StatusWordError::Twice("los".to_owned())));
    }
}
