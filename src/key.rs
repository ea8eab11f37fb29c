//! The keys that callers present: kept and compared as SHA-256, never as themselves.

use sha2::{Digest, Sha256};

/// The hash under which a key is kept and compared: SHA-256 of its UTF-8.
pub fn hash_of_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// A hash as people write it: 64 hexadecimal digits, in capitals or not; `None` for anything else.
pub fn hash_from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes?.try_into().ok()
}

/// Two digits as a byte; `None` if one of them is missing.
fn byte(digits: &[u32]) -> Option<u8> {
    let [high, low] = digits else { return None };
    u8::try_from(high * 16 + low).ok()
}

/// What a key may do at its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What INT6 needs: clients, splitters, and the operations and activations that were asked for with this key.
    Int6,
    /// Everything.
    Operator,
    /// To look at everything.
    Viewer,
}

impl Role {
    /// The word in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Role::Int6 => "int6",
            Role::Operator => "operator",
            Role::Viewer => "viewer",
        }
    }
}

/// A key that a tenant admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantKey {
    /// Its name: 1 to 64 letters, digits, blanks and `._-@/`; no two keys of a tenant share it. What is asked for with the
    /// key is recorded under this name.
    pub name: String,
    /// As [`hash_of_key`] makes it.
    pub sha256: [u8; 32],
    /// What it may do.
    pub role: Role,
}

/// A key that nobody has yet. It has no `Debug`, so that it cannot come into a log.
pub struct NewKey {
    /// 256 random bits in 64 hexadecimal digits, for the caller.
    pub key: String,
    /// Its [`hash_of_key`] in 64 hexadecimal digits, for the settings.
    pub sha256: String,
}

impl NewKey {
    /// Makes one.
    pub fn generate() -> NewKey {
        let key = hex(&rand::random::<[u8; 32]>());
        let sha256 = hex(&hash_of_key(&key));
        NewKey { key, sha256 }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_good_enough_for_the_settings_and_hashes_to_its_hash() {
        let NewKey { key, sha256 } = NewKey::generate();
        assert_eq!(key.len(), 64);
        assert_eq!(sha256, hex(&hash_of_key(&key)));
        assert_eq!(hash_from_hex(&sha256), Some(hash_of_key(&key)));
        assert_ne!(key, NewKey::generate().key);
    }

    #[test]
    fn a_hash_is_read_from_64_digits_and_nothing_else() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_from_hex(abc), Some(hash_of_key("abc")));
        assert_eq!(hash_from_hex(&abc.to_ascii_uppercase()), Some(hash_of_key("abc")));
        let sign = abc.replacen("ba", "+a", 1);
        for wrong in ["", "ba", &abc[1..], &format!("{abc}0"), &format!("{abc}00"), &sign, &"é".repeat(32)] {
            assert_eq!(hash_from_hex(wrong), None, "{wrong}");
        }
    }
}
