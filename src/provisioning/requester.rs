//! Who asked, as activations and operations record it.

use std::fmt;
use std::net::IpAddr;

/// A caller's key, address and request. As a text: `<key's name> <address> <request's id>`, in which only the name may have
/// blanks; releases before roles wrote no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    /// The key's name.
    pub key: String,
    /// Where the call came from, behind trusted proxies too.
    pub address: IpAddr,
    /// The request's id: visible ASCII.
    pub request: String,
}

impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Requester { key, address, request } = self;
        write!(f, "{key} {address} {request}")
    }
}

impl Requester {
    /// Whether a recorded text begins with exactly this key's name. The store's filter of activations says the same in SQL.
    pub fn is_key_of(key: &str, recorded: &str) -> bool {
        recorded.rsplitn(3, ' ').nth(2) == Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_of_one_key_alone_whatever_names_look_like() {
        let by = |key: &str| {
            let (address, request) = ("2001:db8::1".parse().expect("an address"), "story-1".to_owned());
            Requester { key: key.to_owned(), address, request }.to_string()
        };
        assert_eq!(by("panel"), "panel 2001:db8::1 story-1");
        for (key, recorded, is_its) in [
            ("panel", by("panel"), true),
            ("panel", by("panel two"), false),
            ("panel two", by("panel two"), true),
            ("two", by("panel two"), false),
            ("pan", by("panel"), false),
            ("192.0.2.7", "192.0.2.7 019aa1c2".to_owned(), false),
            ("panel", String::new(), false),
        ] {
            assert_eq!(Requester::is_key_of(key, &recorded), is_its, "{key} / {recorded}");
        }
    }
}
