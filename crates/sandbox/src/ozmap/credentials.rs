//! Who may talk to the pretend OZmap.

use std::collections::HashSet;
use std::sync::Mutex;

use crate::lock::lock;
use crate::secret::random_secret;

/// An API key without expiry, and a login that gives tokens.
pub(crate) struct Credentials {
    pub(crate) key: String,
    pub(crate) login: String,
    pub(crate) password: String,
    issued: Mutex<HashSet<String>>,
}

impl Credentials {
    pub(crate) fn random() -> Credentials {
        Credentials {
            // Three parts, like the JWT that the real key is.
            key: format!("{}.{}.{}", random_secret(), random_secret(), random_secret()),
            login: "sandbox".to_owned(),
            password: random_secret(),
            issued: Mutex::default(),
        }
    }

    /// Whether this is the raw key, or a token that a login gave; `Bearer <key>` is neither.
    pub(crate) fn admit(&self, authorization: Option<&str>) -> bool {
        authorization.is_some_and(|sent| sent == self.key || lock(&self.issued).contains(sent))
    }

    pub(crate) fn log_in(&self, login: &str, password: &str) -> Option<String> {
        if (login, password) != (&self.login, &self.password) {
            return None;
        }
        let token = format!("{}.{}.{}", random_secret(), random_secret(), random_secret());
        lock(&self.issued).insert(token.clone());
        Some(token)
    }

    /// Tokens given by logins are worth nothing from now on; the key stays good.
    pub(crate) fn expire(&self) {
        lock(&self.issued).clear();
    }
}
