//! Names of the fields of a row.

/// Names of the fields of a row of the bulk read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// Default `gpon_client_id`.
    pub code: String,
    /// Default `rx_power`.
    pub power: String,
    /// Default `serial_number`.
    pub serial: String,
    /// Default `pppoe_username`.
    pub pppoe_user: String,
    /// Default `mac_address`.
    pub mac: String,
    /// Default `updated_at`.
    pub updated_at: String,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields {
            code: "gpon_client_id".to_owned(),
            power: "rx_power".to_owned(),
            serial: "serial_number".to_owned(),
            pppoe_user: "pppoe_username".to_owned(),
            mac: "mac_address".to_owned(),
            updated_at: "updated_at".to_owned(),
        }
    }
}
