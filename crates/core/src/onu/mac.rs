//! The MAC address of an ONU.

use std::fmt;

use crate::kept_as_text::kept_as_text;
use crate::notation::{bare, is_blank, is_dash};

kept_as_text!(MacAddress, "a MAC address is expected: twelve hexadecimal digits");

/// The MAC address of an ONU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// Takes twelve hexadecimal digits with `:`, `.`, a dash, a blank or nothing between them; `None` for anything else
    /// and for all zeros or all ones, which no ONU has.
    ///
    /// Source: `docs/contracts/int6-api.md`, "Serial numbers and MACs"; zeros and ones Inferred.
    pub fn new(text: &str) -> Option<MacAddress> {
        octets(text).filter(|octets| !is_nobodys(*octets)).map(MacAddress)
    }

    /// Whether the text is all zeros or all ones: what a device says that does not know its address.
    pub fn is_nobodys(text: &str) -> bool {
        octets(text).is_some_and(is_nobodys)
    }
}

fn is_nobodys(octets: [u8; 6]) -> bool {
    octets == [0; 6] || octets == [0xff; 6]
}

fn octets(text: &str) -> Option<[u8; 6]> {
    let between = |c: char| matches!(c, ':' | '.') || is_dash(c) || is_blank(c);
    let mut digits = bare(text).chars().filter(|c| !between(*c)).map(|c| c.to_digit(16));
    let mut octets = [0u8; 6];
    for octet in &mut octets {
        *octet = (digits.next()?? * 16 + digits.next()??) as u8;
    }
    digits.next().is_none().then_some(octets)
}

impl fmt::Display for MacAddress {
    /// Lower case with colons: `94:e3:ee:0e:10:55`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("94:E3:EE:0E:10:55")]
    #[case("94-e3-ee-0e-10-55")]
    #[case("94\u{2013}e3\u{2013}ee\u{2013}0e\u{2013}10\u{2013}55")]
    #[case("94e3.ee0e.1055")]
    #[case("94 e3 ee 0e 10 55")]
    #[case(" 94E3EE0E1055 ")]
    #[case("\"94E3EE0E1055\"\0")]
    fn a_mac_address_is_read_in_every_notation(#[case] text: &str) {
        assert_eq!(MacAddress::new(text).map(|mac| mac.to_string()).as_deref(), Some("94:e3:ee:0e:10:55"));
    }

    #[rstest]
    #[case("")]
    #[case("N/A")]
    #[case("94:E3:EE:0E:10")]
    #[case("94:E3:EE:0E:10:55:66")]
    #[case("00:00:00:00:00:00")]
    #[case("ff:ff:ff:ff:ff:ff")]
    #[case("94:E3:EE:0E:10:5ç")]
    fn what_is_no_mac_address_is_unknown(#[case] text: &str) {
        assert_eq!(MacAddress::new(text), None);
    }

    #[test]
    fn zeros_and_ones_are_nobodys_address() {
        assert!(MacAddress::is_nobodys("0000.0000.0000") && MacAddress::is_nobodys("FF-FF-FF-FF-FF-FF"));
        assert!(!MacAddress::is_nobodys("94e3ee0e1055") && !MacAddress::is_nobodys(""));
    }
}
