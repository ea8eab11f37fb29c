//! Credentials that are new in each sandbox, so that none of them can be mistaken for a real one.

use rand::RngExt;

/// 128 random bits in hexadecimal digits.
pub(crate) fn random_secret() -> String {
    format!("{:032x}", rand::rng().random::<u128>())
}
