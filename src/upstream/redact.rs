//! What another system said, short, without secrets and without people's data.

use std::sync::LazyLock;

use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

const LONGEST_EXCERPT: usize = 200;
const MASK: &str = "***";
/// A shorter text could be part of any word.
const SHORTEST_CREDENTIAL: usize = 6;

/// Signed tokens; numbers with so many decimals that they are coordinates; e-mail addresses; CPFs, the numbers of Brazil's
/// taxpayers.
static DELICATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"eyJ[\w-]+\.[\w-]+(\.[\w-]*)?|-?\d{1,3}[.,]\d{4,}|[\w.+%-]+@[\w-]+(\.[\w-]+)+|\b\d{3}\.\d{3}\.\d{3}-\d{2}\b",
    )
    .expect("the pattern is a constant")
});

/// Knows the secrets of one host.
pub(super) struct Redactor {
    secrets: Vec<SecretString>,
}

impl Redactor {
    pub(super) fn new(secrets: &[SecretString]) -> Redactor {
        Redactor { secrets: secrets.iter().filter(|s| !s.expose_secret().is_empty()).cloned().collect() }
    }

    /// A text on one line without secrets, tokens and people's data, of at most 200 characters.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.secrets {
            clean = clean.replace(secret.expose_secret(), MASK);
        }
        let clean = DELICATE.replace_all(&clean, MASK);
        let visible: String = clean.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect();
        let words: Vec<&str> = visible.split_whitespace().collect();
        words.join(" ").chars().take(LONGEST_EXCERPT).collect()
    }

    /// The same of a text that may repeat the credentials with which it was asked for, such as a short-lived token.
    pub(super) fn clean_of(&self, text: &str, headers: &[(&'static str, String)]) -> String {
        let credentials = headers.iter().flat_map(|(_, value)| value.split(' '));
        let mut clean = text.to_owned();
        for credential in credentials.filter(|word| word.len() >= SHORTEST_CREDENTIAL) {
            clean = clean.replace(credential, MASK);
        }
        self.clean(&clean)
    }
}

/// Control characters, and those that turn or hide text: an excerpt stands raw in a log.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(&["s3cret".to_owned().into(), String::new().into()])
    }

    #[test]
    fn secrets_tokens_and_peoples_data_never_pass() {
        let said = "key s3cret and eyJhbGciOi.eyJpZCI6.c2ln at -27.59561, -48,50244 of ana@isp.example, 123.456.789-09";
        assert_eq!(redactor().clean(said), "key *** and *** at ***, *** of ***, ***");
        assert_eq!(redactor().clean("power -21.53 dBm of 147"), "power -21.53 dBm of 147");
    }

    #[test]
    fn what_was_sent_as_credentials_does_not_come_back() {
        let headers = [("authorization", "Bearer 8f3a11c0".to_owned())];
        assert_eq!(redactor().clean_of("token 8f3a11c0 expired", &headers), "token *** expired");
    }

    #[test]
    fn an_excerpt_is_one_short_visible_line() {
        assert_eq!(redactor().clean(" one\r\n two\u{202e}\u{2028}three "), "one two three");
        assert_eq!(redactor().clean(&"x".repeat(5_000)).len(), LONGEST_EXCERPT);
    }
}
