//! Signatures of Standard Webhooks: who has the secret knows that a notice is ours, and what it says.

use std::fmt;

use standardwebhooks::Webhook as Key;

/// Bytes of a secret. Source: the specification of Standard Webhooks, "Signature scheme".
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Why a text is no secret; the text is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// It cannot be decoded.
    #[error("is not base64 after whsec_")]
    NotBase64,
    /// Too little to be safe, or too much to be meant.
    #[error(
        "has {0} bytes, and 24 to 64 are expected: `openssl rand -base64 32` makes good ones, to be put after whsec_"
    )]
    Length(usize),
}

/// The secrets of one destination: the first is the newest, the others are still good while they are replaced.
#[derive(Default)]
pub struct Signing {
    keys: Vec<Key>,
}

impl Signing {
    /// `secrets` are `whsec_` with base64 of 24 to 64 bytes each.
    ///
    /// # Errors
    /// [`BadSecret`].
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Signing, BadSecret> {
        let keys: Result<Vec<Key>, BadSecret> = secrets.into_iter().map(key).collect();
        Ok(Signing { keys: keys? })
    }

    /// The text of `webhook-signature`: one signature for each secret; `None` without any.
    pub(super) fn signature(&self, id: &str, at: i64, body: &str) -> Option<String> {
        let signatures: Vec<String> =
            self.keys.iter().filter_map(|key| key.sign(id, at, body.as_bytes()).ok()).collect();
        (!signatures.is_empty()).then(|| signatures.join(" "))
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secret(s)", self.keys.len())
    }
}

fn key(secret: &str) -> Result<Key, BadSecret> {
    let text = secret.strip_prefix("whsec_").unwrap_or(secret);
    // Four letters are three bytes, less what `=` fills up.
    let bytes =
        (text.len() / 4 * 3).saturating_sub(text.bytes().rev().take_while(|byte| *byte == b'=').count());
    let key = Key::new(secret).map_err(|_| BadSecret::NotBase64)?;
    if BYTES.contains(&bytes) { Ok(key) } else { Err(BadSecret::Length(bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[test]
    fn a_signature_is_that_of_the_specification() {
        let signing = Signing::new([SECRET]).expect("a secret");
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let signature = signing.signature("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(signature.as_deref(), Some("v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="));
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let both = Signing::new([SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).expect("secrets");
        let signature = both.signature("msg_1", 1, "{}").expect("it is signed");
        let alone =
            Signing::new([SECRET]).expect("a secret").signature("msg_1", 1, "{}").expect("it is signed");
        assert!(signature.starts_with(&format!("{alone} v1,")), "{signature}");
        assert_eq!(Signing::default().signature("msg_1", 1, "{}"), None);
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let refused = |secret: &str| Signing::new([secret]).expect_err("it is none");
        assert_eq!(refused("whsec_not base64!"), BadSecret::NotBase64);
        assert_eq!(refused("whsec_c2hvcnQ="), BadSecret::Length(5));
        assert_eq!(refused(""), BadSecret::Length(0));
        let all = format!("{:?} {}", Signing::new([SECRET]).expect("a secret"), refused("whsec_c2hvcnQ="));
        assert!(!all.contains("c2hv") && !all.contains("C2FV"), "{all}");
    }
}
