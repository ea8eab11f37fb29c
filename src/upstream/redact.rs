//! Excerpts of what another system said, without secrets and without people's coordinates.

use std::sync::LazyLock;

use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

const LONGEST_EXCERPT: usize = 200;
const MASK: &str = "***";

/// Signed tokens, and numbers with so many decimals that they are coordinates.
static DELICATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"eyJ[\w-]+\.[\w-]+(\.[\w-]*)?|-?\d{1,3}\.\d{4,}").expect("the pattern is a constant")
});

/// Knows the secrets of one host.
pub(super) struct Redactor {
    secrets: Vec<SecretString>,
}

impl Redactor {
    pub(super) fn new(secrets: &[SecretString]) -> Redactor {
        Redactor { secrets: secrets.iter().filter(|s| !s.expose_secret().is_empty()).cloned().collect() }
    }

    /// What a body says in at most 200 characters: its `message` or `error` if it is JSON, else its first line.
    pub(super) fn excerpt(&self, body: &[u8]) -> String {
        let said = match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(json) => ["message", "error", "detail"]
                .iter()
                .find_map(|key| json.get(key))
                .map(|said| said.as_str().map_or_else(|| said.to_string(), str::to_owned))
                .unwrap_or_default(),
            Err(_) => String::from_utf8_lossy(body).lines().next().unwrap_or_default().to_owned(),
        };
        self.clean(&said)
    }

    /// A text without secrets, tokens and coordinates, shortened.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.secrets {
            clean = clean.replace(secret.expose_secret(), MASK);
        }
        let clean = DELICATE.replace_all(&clean, MASK);
        clean.chars().filter(|c| !c.is_control()).take(LONGEST_EXCERPT).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_tokens_and_coordinates_never_pass() {
        let redactor = Redactor::new(&["s3cret".to_owned().into(), String::new().into()]);
        let body = br#"{"message":"key s3cret and eyJhbGciOi.eyJpZCI6.c2ln at -27.59561, -48.50244"}"#;
        assert_eq!(redactor.excerpt(body), "key *** and *** at ***, ***");
        assert_eq!(redactor.excerpt(b"<html>\nmore"), "<html>");
        assert_eq!(redactor.excerpt(br#"{"rows":["maria.147"]}"#), "");
        assert_eq!(redactor.excerpt(&[0xff; 5000]).chars().count(), LONGEST_EXCERPT);
    }
}
