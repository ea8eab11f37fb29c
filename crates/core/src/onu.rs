//! The ONU (*optical network unit*) at a client: its data and the values that identify it.

use std::fmt;

use compact_str::CompactString;

use crate::kept_as_text::kept_as_text;

kept_as_text!(OnuSerial, "a serial number is expected: four letters and 6 to 16 letters or digits");
kept_as_text!(MacAddress, "a MAC address is expected: twelve hexadecimal digits");

/// The serial number of an ONU: four letters and 6 to 16 letters or digits, in upper case.
///
/// Source: `docs/contracts/int6-api.md`, "Serial numbers and MACs".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OnuSerial(CompactString);

impl OnuSerial {
    /// Takes a serial number in any case; `None` if it has another shape.
    pub fn new(serial: &str) -> Option<OnuSerial> {
        let serial = serial.trim();
        let (vendor, rest) = serial.split_at_checked(4)?;
        let fits = vendor.bytes().all(|b| b.is_ascii_alphabetic())
            && (6..=16).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| OnuSerial(serial.to_ascii_uppercase().into()))
    }

    /// The serial number in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OnuSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The MAC address of an ONU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// Takes twelve hexadecimal digits with `:`, `-`, `.` or nothing between them; `None` for anything else and
    /// for all zeros or all ones, which no ONU has.
    ///
    /// Source: `docs/contracts/int6-api.md`, "Serial numbers and MACs"; zeros and ones Inferred.
    pub fn new(text: &str) -> Option<MacAddress> {
        let text = text.trim();
        if !text.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'-' | b'.')) {
            return None;
        }
        let mut digits = text.bytes().filter_map(|b| char::from(b).to_digit(16));
        let mut octets = [0u8; 6];
        for octet in &mut octets {
            *octet = (digits.next()? * 16 + digits.next()?) as u8;
        }
        (digits.next().is_none() && octets != [0; 6] && octets != [0xff; 6]).then_some(MacAddress(octets))
    }
}

impl fmt::Display for MacAddress {
    /// Lower case with colons: `94:e3:ee:0e:10:55`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// The ONU's data exactly as OZmap holds them; `""` is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Onu {
    /// Serial number.
    pub serial_number: CompactString,
    /// PPPoE user.
    pub pppoe_user: CompactString,
    /// MAC address, in whatever notation OZmap has.
    pub mac_address: CompactString,
}

impl Onu {
    /// These data, with what INT6 knows in place of what differs; an unknown value never erases one.
    ///
    /// A serial number in another case or a MAC address in another notation does not differ.
    /// Source: `docs/contracts/rules.md`, "ONU data".
    pub fn merged(
        &self,
        serial: Option<&OnuSerial>,
        pppoe_user: Option<&str>,
        mac: Option<MacAddress>,
    ) -> Onu {
        let mut onu = self.clone();
        if let Some(serial) = serial
            && OnuSerial::new(&self.serial_number).as_ref() != Some(serial)
        {
            onu.serial_number = serial.as_str().into();
        }
        if let Some(user) = pppoe_user
            && self.pppoe_user != user
        {
            onu.pppoe_user = user.into();
        }
        if let Some(mac) = mac
            && MacAddress::new(&self.mac_address) != Some(mac)
        {
            onu.mac_address = CompactString::from(mac.to_string());
        }
        onu
    }
}

/// What INT6 knows of an ONU.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnuPatch {
    /// Serial number.
    pub serial: Option<OnuSerial>,
    /// PPPoE user.
    pub pppoe_user: Option<CompactString>,
    /// MAC address.
    pub mac: Option<MacAddress>,
}

impl OnuPatch {
    /// What OZmap holds, with what INT6 knows in place of what differs.
    pub fn merged_into(&self, held: &Onu) -> Onu {
        held.merged(self.serial.as_ref(), self.pppoe_user.as_deref(), self.mac)
    }
}
#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("94:E3:EE:0E:10:55")]
    #[case("94-e3-ee-0e-10-55")]
    #[case("94e3.ee0e.1055")]
    #[case(" 94E3EE0E1055 ")]
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

    #[rstest]
    #[case("fhtt9a0b1c2d", Some("FHTT9A0B1C2D"))]
    #[case("ALCLB40A1122", Some("ALCLB40A1122"))]
    #[case("ALCL", None)]
    #[case("1234ABCDEF", None)]
    #[case("ALCLÇB40A1122", None)]
    #[case("çé", None)]
    fn a_serial_number_has_a_vendor_and_digits(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(OnuSerial::new(text).as_ref().map(OnuSerial::as_str), expected);
    }

    #[test]
    fn unknown_onu_data_never_erase_and_notation_is_no_difference() {
        let held = Onu {
            serial_number: "fhtt9a0b1c2d".into(),
            pppoe_user: "maria.147".into(),
            mac_address: "94-E3-EE-0E-10-55".into(),
        };
        assert_eq!(held.merged(None, None, None), held);
        let (serial, mac) = (OnuSerial::new("FHTT9A0B1C2D"), MacAddress::new("94E3EE0E1055"));
        assert_eq!(held.merged(serial.as_ref(), Some("maria.147"), mac), held);
        let swapped = held.merged(OnuSerial::new("FHTT00000001").as_ref(), None, None);
        assert_eq!(swapped.serial_number, "FHTT00000001");
        assert_eq!(swapped.mac_address, held.mac_address);
    }
}
