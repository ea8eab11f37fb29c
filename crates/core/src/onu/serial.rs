//! The serial number of an ONU.

use std::fmt;

use compact_str::CompactString;

use crate::kept_as_text::kept_as_text;
use crate::notation::{bare, is_blank, is_dash};

kept_as_text!(OnuSerial, "a serial number is expected: four letters and 6 to 16 letters or digits");

/// The serial number of an ONU: four letters and 6 to 16 letters or digits, in upper case.
///
/// Source: `docs/contracts/int6-api.md`, "Serial numbers and MACs".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnuSerial(CompactString);

impl OnuSerial {
    /// Takes a serial number in any notation; `None` if it is none.
    ///
    /// The case does not matter. A dash may stand within, a blank after the vendor. `48575443…`, with the vendor's letters as
    /// hexadecimal digits, is `HWTC…`. What stands in brackets beside it may be the same in another notation, or a word.
    pub fn new(serial: &str) -> Option<OnuSerial> {
        if is_plain(serial.as_bytes()) {
            return Some(OnuSerial(serial.to_ascii_uppercase().into()));
        }
        let mut known = serial.split(['(', ')', '[', ']']).filter_map(one);
        let first = known.next()?;
        known.all(|other| other == first).then_some(OnuSerial(first))
    }

    /// The serial number in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As most are: four letters, then letters or digits and nothing else.
fn is_plain(serial: &[u8]) -> bool {
    (10..=20).contains(&serial.len())
        && serial[..4].iter().all(u8::is_ascii_alphabetic)
        && serial.iter().all(u8::is_ascii_alphanumeric)
}

/// One serial number, with a label at most.
fn one(text: &str) -> Option<CompactString> {
    let text = bare(after_label(text));
    let is_between = |c: char| is_dash(c) || is_blank(c) || matches!(c, '_' | ':' | '.');
    let groups: Vec<&str> = text.split(is_between).filter(|group| !group.is_empty()).collect();
    let joined = CompactString::from(groups.concat().to_ascii_uppercase());
    if let Some(serial) = with_hexadecimal_vendor(&joined) {
        return groups.iter().all(|group| group.len() % 2 == 0).then_some(serial);
    }
    let (vendor, rest) = joined.split_at_checked(4)?;
    let fits = vendor.bytes().all(|b| b.is_ascii_alphabetic())
        && (6..=16).contains(&rest.len())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric());
    (fits && is_one_number(text, &groups)).then_some(joined)
}

fn after_label(text: &str) -> &str {
    let is_label =
        |label: &str| matches!(label.trim().to_ascii_lowercase().as_str(), "sn" | "s/n" | "serial");
    match text.split_once([':', '=']) {
        Some((label, rest)) if is_label(label) => rest,
        _ => text,
    }
}

/// Sixteen hexadecimal digits of which the first eight are the codes of four letters.
fn with_hexadecimal_vendor(joined: &str) -> Option<CompactString> {
    let digits = joined.strip_prefix("0X").unwrap_or(joined);
    let is_hexadecimal = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let (vendor, rest) = digits.split_at_checked(8).filter(|_| is_hexadecimal)?;
    let mut serial = CompactString::default();
    for at in [0, 2, 4, 6] {
        let letter = char::from(u8::from_str_radix(&vendor[at..at + 2], 16).ok()?);
        serial.push(Some(letter).filter(char::is_ascii_alphabetic)?.to_ascii_uppercase());
    }
    serial.push_str(rest);
    Some(serial)
}

/// Whether what is put apart belongs together: `HWTC-61DE3C1A` does, `FHTT9A0B1C2D OFFLINE` does not.
fn is_one_number(text: &str, groups: &[&str]) -> bool {
    let [first, others @ ..] = groups else { return false };
    let is_number = |group: &&str| {
        group.bytes().any(|b| b.is_ascii_digit()) || group.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let by_dashes =
        first.len() >= 4 && text.chars().all(|c| is_dash(c) || c.is_ascii_alphanumeric() || c == '_');
    let after_vendor = first.len() == 4 && others.len() == 1;
    others.is_empty() || (others.iter().all(is_number) && (by_dashes || after_vendor))
}

impl fmt::Display for OnuSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("fhtt9a0b1c2d", "FHTT9A0B1C2D")]
    #[case("ALCLB40A1122", "ALCLB40A1122")]
    #[case("4857544361DE3C1A", "HWTC61DE3C1A")]
    #[case("4857544361de3c1a", "HWTC61DE3C1A")]
    #[case("0x4857544361DE3C1A", "HWTC61DE3C1A")]
    #[case("48 57 54 43 61 DE 3C 1A", "HWTC61DE3C1A")]
    #[case("HWTC-61DE3C1A", "HWTC61DE3C1A")]
    #[case("HWTC\u{2013}61DE3C1A", "HWTC61DE3C1A")]
    #[case("HWTC 61DE3C1A", "HWTC61DE3C1A")]
    #[case("48575443-61DE3C1A", "HWTC61DE3C1A")]
    #[case("4857544361DE3C1A (HWTC-61DE3C1A)", "HWTC61DE3C1A")]
    #[case("FHTT9A0B1C2D (offline)", "FHTT9A0B1C2D")]
    #[case("(FHTT9A0B1C2D)", "FHTT9A0B1C2D")]
    #[case("SN: FHTT9A0B1C2D", "FHTT9A0B1C2D")]
    #[case("\"FHTT9A0B1C2D\"\0", "FHTT9A0B1C2D")]
    fn a_serial_number_is_read_in_every_notation(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(OnuSerial::new(text).as_ref().map(OnuSerial::as_str), Some(expected));
    }

    #[rstest]
    #[case("ALCL")]
    #[case("1234ABCDEF")]
    #[case("ALCLÇB40A1122")]
    #[case("çé")]
    #[case("")]
    #[case("()")]
    #[case("0001020304050607")]
    #[case("FHTT9A0B1C2D OFFLINE")]
    #[case("ALCL OFFLINE")]
    #[case("FHTT9A0B1C2D (FHTT00000001)")]
    #[case("F-HTT9A0B1C2D")]
    #[case("FHTT9A0B1C2\u{fffd}")]
    fn what_is_no_serial_number_is_none(#[case] text: &str) {
        assert_eq!(OnuSerial::new(text), None);
    }

    proptest! {
        #[test]
        fn every_notation_is_the_same_serial(vendor in "[A-Z]{4}", rest in "[0-9A-F]{8}") {
            let hexadecimal: String = vendor.bytes().map(|b| format!("{b:02X}")).collect();
            let plain = format!("{vendor}{rest}");
            for text in [
                plain.clone(),
                plain.to_ascii_lowercase(),
                format!("{vendor}-{rest}"),
                format!("{hexadecimal}{rest}"),
                format!("{hexadecimal}-{rest}"),
                format!("{hexadecimal}{rest} ({vendor}-{rest})"),
            ] {
                let read = OnuSerial::new(&text);
                prop_assert_eq!(read.as_ref().map(OnuSerial::as_str), Some(plain.as_str()), "{}", text);
            }
        }

        #[test]
        fn what_is_read_is_read_again(text in any::<String>(), near in "[A-Z0-9 ()_:.-]{0,24}") {
            for text in [&text, &near] {
                if let Some(serial) = OnuSerial::new(text) {
                    prop_assert_eq!(OnuSerial::new(serial.as_str()), Some(serial));
                }
            }
        }
    }
}
