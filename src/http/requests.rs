//! What INT6 asks for a client, read strictly: each mistake is reported by the name of its field.

use gateway_core::provisioning::ConnectRequest;
use gateway_core::{
    ClientCode, Coordinate, Implantation, MacAddress, OnuPatch, OnuSerial, PortNumber, RecordId,
};
use serde::{Deserialize, Deserializer, de};
use utoipa::ToSchema;

use super::extract::client_code;
use super::problem::Problem;

/// Longest name and address, in characters.
const LONGEST_TEXT: usize = 300;

/// A place in WGS 84 degrees.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CoordinateRequest {
    /// −90 to 90.
    #[schema(example = -27.59561, minimum = -90, maximum = 90)]
    lat: f64,
    /// −180 to 180.
    #[schema(example = -48.50244, minimum = -180, maximum = 180)]
    lng: f64,
}

/// What INT6 knows of the ONU; what is left out, null, empty or `N/A` stays as OZmap has it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnuRequest {
    /// Four letters and 6 to 16 letters or digits.
    #[schema(example = "FHTT9A0B1C2D", pattern = "^([A-Za-z]{4}[0-9A-Za-z]{6,16})?$")]
    serial_number: Option<String>,
    #[schema(example = "maria.147", max_length = 300, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pppoe_user: Option<String>,
    /// Twelve hexadecimal digits, with `:`, `-`, `.` or nothing between them.
    #[schema(example = "94:e3:ee:0e:10:55", pattern = "^([0-9A-Fa-f]{2}([:.-]?[0-9A-Fa-f]{2}){5})?$")]
    mac_address: Option<String>,
}

/// What a client's records in OZmap are to become.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActivationRequest {
    /// The chosen splitter, of `GET /v1/splitters/nearby`.
    #[schema(example = "5da61e13493d9c0006665477", pattern = "^[0-9A-Za-z_-]{1,64}$")]
    splitter_id: String,
    /// The chosen port, from 1 on.
    #[schema(example = 3, minimum = 1, maximum = 65535)]
    #[serde(deserialize_with = "whole_number")]
    port: u16,
    /// Where the client lives; left out, it stays, and a new client gets the box's place. Of no use inside a condominium.
    coordinate: Option<CoordinateRequest>,
    /// Whether the client is deployed. Default true.
    #[schema(default = true)]
    implanted: Option<bool>,
    /// The client's name.
    #[schema(example = "Maria", max_length = 300, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    name: Option<String>,
    /// Street and number.
    #[schema(example = "Rua das Orquídeas, 258", max_length = 300, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    address: Option<String>,
    onu: Option<OnuRequest>,
}

/// A client to be created; `implanted` defaults to false: a reservation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewClientRequest {
    /// The code by which INT6 and OZmap know it.
    #[schema(example = "147", max_length = 100, pattern = r"^\w[^\x00-\x1F\x7F-\x9F]*$")]
    code: String,
    /// The chosen splitter, of `GET /v1/splitters/nearby`.
    #[schema(example = "5da61e13493d9c0006665477", pattern = "^[0-9A-Za-z_-]{1,64}$")]
    splitter_id: String,
    /// The chosen port, from 1 on.
    #[schema(example = 3, minimum = 1, maximum = 65535)]
    #[serde(deserialize_with = "whole_number")]
    port: u16,
    /// Where the client lives; left out, it gets the box's place. Of no use inside a condominium.
    coordinate: Option<CoordinateRequest>,
    /// Whether the client is deployed. Default false.
    #[schema(default = false)]
    implanted: Option<bool>,
    /// The client's name.
    #[schema(example = "Maria", max_length = 300, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    name: Option<String>,
    /// Street and number.
    #[schema(example = "Rua das Orquídeas, 258", max_length = 300, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    address: Option<String>,
    onu: Option<OnuRequest>,
}

impl NewClientRequest {
    pub(super) fn request(self) -> Result<ConnectRequest, Problem> {
        let NewClientRequest { code, splitter_id, port, coordinate, implanted, name, address, onu } = self;
        let implanted = Some(implanted.unwrap_or(false));
        let rest = ActivationRequest { splitter_id, port, coordinate, implanted, name, address, onu };
        rest.request(client_code("code", &code)?)
    }
}

impl ActivationRequest {
    /// Checks everything that can be checked without asking anybody.
    pub(super) fn request(self, code: ClientCode) -> Result<ConnectRequest, Problem> {
        let splitter = RecordId::new(&self.splitter_id).ok_or_else(|| {
            Problem::invalid("splitter_id: an identifier of 1 to 64 letters and digits is expected")
        })?;
        let port = PortNumber::new(self.port)
            .ok_or_else(|| Problem::invalid("port: a port's number from 1 on is expected"))?;
        let coordinate = self.coordinate.map(|CoordinateRequest { lat, lng }| {
            Coordinate::new(lat, lng).ok_or_else(|| {
                Problem::invalid("coordinate: lat from -90 to 90 and lng from -180 to 180 are expected")
            })
        });
        let implantation = match self.implanted {
            Some(false) => Implantation::NotImplanted,
            Some(true) | None => Implantation::Implanted,
        };
        Ok(ConnectRequest {
            code,
            splitter,
            port,
            coordinate: coordinate.transpose()?,
            implantation,
            name: text("name", self.name)?.map(Into::into),
            address: text("address", self.address)?.map(Into::into),
            onu: onu(self.onu.unwrap_or_default())?,
        })
    }
}

/// JSON knows one kind of number: `3.0` is 3.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let number = f64::deserialize(deserializer)?;
    let fits = number.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&number);
    if fits { Ok(number as u16) } else { Err(de::Error::custom("a port's number from 1 on is expected")) }
}

/// Trimmed; `None` if nothing is left.
fn text(field: &str, given: Option<String>) -> Result<Option<String>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let text = given.trim();
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        return Err(Problem::invalid(format!(
            "{field}: at most {LONGEST_TEXT} characters without control characters are expected"
        )));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Source of what is unknown: `docs/contracts/int6-api.md`, "Serial numbers and MACs".
fn onu(given: OnuRequest) -> Result<OnuPatch, Problem> {
    let known = |field, given| {
        text(field, given).map(|text| text.filter(|text| !text.to_ascii_uppercase().contains("N/A")))
    };
    let serial = known("onu.serial_number", given.serial_number)?;
    // The ONU was swapped: the second counts.
    let serial = serial.map(|text| OnuSerial::new(text.rsplit("->").next().unwrap_or(&text)).ok_or(()));
    let mac = known("onu.mac_address", given.mac_address)?.filter(|text| !is_nobodys(text));
    let mac = mac.map(|text| MacAddress::new(&text).ok_or(()));
    Ok(OnuPatch {
        serial: serial.transpose().map_err(|()| {
            Problem::invalid("onu.serial_number: four letters and 6 to 16 letters or digits are expected")
        })?,
        pppoe_user: known("onu.pppoe_user", given.pppoe_user)?.map(Into::into),
        mac: mac
            .transpose()
            .map_err(|()| Problem::invalid("onu.mac_address: twelve hexadecimal digits are expected"))?,
    })
}

/// All zeros or all ones: what a device says that does not know its address.
fn is_nobodys(mac: &str) -> bool {
    let digits = || mac.chars().filter(|c| !matches!(c, ':' | '-' | '.'));
    digits().count() == 12 && (digits().all(|c| c == '0') || digits().all(|c| c.eq_ignore_ascii_case(&'f')))
}
