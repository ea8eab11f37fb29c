//! The ONU (*optical network unit*) at a client: its data and the values that identify it.

mod mac;
mod serial;
mod unknown;

use compact_str::CompactString;
pub use mac::MacAddress;
pub use serial::OnuSerial;
pub use unknown::UnknownWords;

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
    /// A serial number or a MAC address in another notation does not differ.
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

    #[rstest]
    #[case("4857544361DE3C1A", "HWTC61DE3C1A")]
    #[case("HWTC-61DE3C1A", "4857544361de3c1a")]
    #[case("HWTC61DE3C1A", "48575443-61DE3C1A")]
    fn a_held_serial_in_another_notation_is_not_written_anew(#[case] held: &str, #[case] read: &str) {
        let held = Onu { serial_number: held.into(), ..Onu::default() };
        assert_eq!(held.merged(OnuSerial::new(read).as_ref(), None, None), held);
    }
}
