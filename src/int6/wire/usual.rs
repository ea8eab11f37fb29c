//! What the fields of a row are usually called, for who looks for a name that is not there.

use super::fields::Fields;

/// What a field of a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldRole {
    /// The client's code in OZmap.
    Code,
    /// The light at the ONU.
    Power,
    /// The ONU's serial number.
    Serial,
    /// The client's PPPoE user.
    PppoeUser,
    /// The ONU's MAC address.
    Mac,
    /// When the row was renewed.
    UpdatedAt,
}

impl FieldRole {
    /// Every role.
    pub const ALL: [FieldRole; 6] = [
        FieldRole::Code,
        FieldRole::Power,
        FieldRole::Serial,
        FieldRole::PppoeUser,
        FieldRole::Mac,
        FieldRole::UpdatedAt,
    ];

    /// The name that the settings give it.
    pub fn name_in(self, fields: &Fields) -> &str {
        let Fields { code, power, serial, pppoe_user, mac, updated_at } = fields;
        match self {
            FieldRole::Code => code,
            FieldRole::Power => power,
            FieldRole::Serial => serial,
            FieldRole::PppoeUser => pppoe_user,
            FieldRole::Mac => mac,
            FieldRole::UpdatedAt => updated_at,
        }
    }

    /// Names under which platforms give it, the likeliest first. Inferred: from what platforms and scripts of ISPs call them.
    pub fn usual_names(self) -> &'static [&'static str] {
        match self {
            FieldRole::Code => &[
                "gpon_client_id",
                "client_id",
                "client_code",
                "customer_id",
                "customer_code",
                "subscriber_id",
                "id_cliente",
                "codigo_cliente",
                "cod_cliente",
                "codigo",
                "code",
            ],
            FieldRole::Power => &[
                "rx_power",
                "onu_rx_power",
                "read_power",
                "rx_power_onu",
                "onu_rx",
                "rx_onu",
                "rx",
                "optical_power",
                "power",
                "potencia_rx",
                "potencia_onu",
                "potencia",
                "sinal_rx",
                "sinal",
                "signal_rx",
                "signal",
                "onu_signal",
            ],
            FieldRole::Serial => &[
                "serial_number",
                "serial",
                "onu_serial",
                "gpon_sn",
                "onu_sn",
                "sn",
                "numero_serie",
                "phy_addr",
            ],
            FieldRole::PppoeUser => &[
                "pppoe_username",
                "pppoe_user",
                "user_pppoe",
                "usuario_pppoe",
                "pppoe_login",
                "login_pppoe",
                "pppoe",
                "login",
                "username",
                "usuario",
            ],
            FieldRole::Mac => &["mac_address", "mac", "onu_mac", "mac_onu", "endereco_mac"],
            FieldRole::UpdatedAt => &[
                "updated_at",
                "last_updated_at",
                "last_update",
                "last_updated",
                "read_at",
                "collected_at",
                "measured_at",
                "last_read_at",
                "last_reading",
                "atualizado_em",
                "data_leitura",
                "timestamp",
            ],
        }
    }
}

/// Whether a power's name says that it is what the OLT receives, and not the ONU.
pub fn is_of_olt(name: &str) -> bool {
    name.to_ascii_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == "olt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_first_of_the_usual_names() {
        let defaults = Fields::default();
        for role in FieldRole::ALL {
            assert_eq!(role.usual_names()[0], role.name_in(&defaults), "{role:?}");
        }
    }

    #[test]
    fn a_power_of_the_olt_says_so() {
        assert!(is_of_olt("olt_rx_power") && is_of_olt("rx.OLT"));
        assert!(!is_of_olt("rx_power") && !is_of_olt("volt"));
    }
}
