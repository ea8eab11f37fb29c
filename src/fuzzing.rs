//! What must hold for any bytes that INT6, OZmap or a caller may send; `fuzz/` makes the bytes.
//!
//! Each function reads its bytes as the gateway would and panics where a promise is broken: whatever is read is a value
//! that can be built, and what is stored of it is read back the same.

use std::fmt::{Debug, Display};

use gateway_core::provisioning::{Command, ConnectRequest, OperationKind};
use gateway_core::sync::{MatchBy, Reading, ReadingTime, RowShape};
use gateway_core::{
    Client, ClientCode, ClientRecord, Coordinate, Dbm, KnownPower, MacAddress, Onu, OnuSerial, PowerReading,
    Property, RecordId, Route, Site, Splitter, StatusWords, UnknownWords, select_route,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::int6::wire::row::{OnuRow, RowRules, row};
use crate::ozmap::wire::client_record::{self, ClientOfProperty, PropertyOfClient};
use crate::ozmap::wire::{self as ozmap, ClientReference, calculated_power, network_record};
use crate::store::payload;
use crate::{http, int6};

/// An answer of INT6: a token, or a page of readings.
pub fn int6_wire(data: &[u8]) {
    if let Ok((token, _lifetime)) = int6::wire::token(data) {
        let token = token.expose_secret();
        assert!(!token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()), "a header can carry it");
    }
    let (fields, unknown) = (int6::wire::Fields::default(), UnknownWords::default());
    let statuses = StatusWords::default();
    let rules = RowRules {
        fields: &fields,
        zone: &TimeZone::UTC,
        unknown: &unknown,
        statuses: &statuses,
        match_by: MatchBy::Code,
    };
    let mut shape = RowShape::default();
    let counted = int6::wire::page::rows(data, &fields, &mut |raw| {
        let OnuRow { reading, unclear, identity: _ } = row(raw, &rules, &mut shape);
        match reading {
            Ok(reading) => check_reading(&reading),
            Err(error) => assert!(!error.what.to_string().is_empty(), "what is wrong is said"),
        }
        assert!(unclear.len() <= 3, "of the ONU's three fields");
    });
    let taken = shape.rows as usize;
    assert!(
        counted.is_err() || counted.is_ok_and(|rows| rows.unwrap_or(0) == taken),
        "every row is handed on once"
    );
    assert!(shape.without_power_field <= shape.without_power && shape.without_power <= shape.rows);
}

/// An answer of OZmap: a page of any route, one client's properties, or its routes.
pub fn ozmap_wire(data: &[u8]) {
    let mut taken = 0;
    let page = ozmap::page(data, &mut |row| {
        taken += 1;
        if let Ok(property) = ozmap::property(row) {
            check_id(&property.id);
            property.read_power.into_iter().for_each(check_power);
            match property.client {
                Some(ClientReference::Whole(client)) => check_client(&client),
                Some(ClientReference::Id(id)) => check_id(&id),
                None => (),
            }
        }
        let _ = ozmap::client(row).map(|row| check_client(&row.client));
        let _ = client_record::client_record(row).map(|record| check_record(&record));
        let _ = client_record::property_of_client(row).map(|property| check_property(&property));
        let _ = network_record::splitter(row).map(|splitter| check_splitter(&splitter));
        let _ = network_record::cto(row).map(|site| check_site(&site));
        let _ = network_record::building(row).map(|site| check_site(&site));
    });
    if let Ok(page) = page {
        assert_eq!(page.rows, taken, "every row is handed on once");
    }
    client_record::properties_of_client(data).iter().flatten().for_each(check_property);
    if let Ok(routes) = calculated_power::routes(data) {
        routes.iter().for_each(check_route);
        check_known_power(routes);
    }
}

/// The body of a request, as each operation that takes one would read it.
pub fn api_bodies(data: &[u8]) {
    for request in http::fuzzing::requests(data) {
        check_request(&request);
    }
}

fn check_reading(reading: &Reading) {
    let Reading { code, power, serial, pppoe_user, mac, updated_at } = reading;
    check_code(code);
    match power {
        PowerReading::Measured(power) => {
            check_power(*power);
            assert_ne!(*power, Dbm::ZERO, "0 is no light, not a measurement");
            assert_eq!(PowerReading::from_text(&power.to_string()), Ok(PowerReading::Measured(*power)));
        }
        PowerReading::Zero | PowerReading::Text | PowerReading::Word(_) | PowerReading::Absent => {
            assert_eq!(power.target().implantation, None, "nobody is implanted without light");
        }
    }
    serial.iter().for_each(check_serial);
    mac.iter().for_each(check_mac);
    if let Some(user) = pppoe_user {
        assert!(!user.is_empty() && user.trim() == user, "an unknown user is none");
    }
    if let ReadingTime::At(at) = updated_at {
        assert_eq!(at.to_string().parse::<Timestamp>().ok(), Some(*at));
    }
}

fn check_client(client: &Client) {
    let Client { id, code, status: _, implantation: _, onu, onu_known: _ } = client;
    check_id(id);
    check_code(code);
    check_onu(onu);
}

fn check_record(record: &ClientRecord) {
    let ClientRecord { client, name, property } = record;
    check_client(client);
    assert!(name.as_ref().is_none_or(|name| !name.is_empty()), "an empty name is none");
    assert_eq!(*property, None, "the property is another record");
    check_stored_client(record);
}

fn check_onu(onu: &Onu) {
    let Onu { serial_number, pppoe_user, mac_address } = onu;
    let known = onu.merged(OnuSerial::new(serial_number).as_ref(), None, MacAddress::new(mac_address));
    assert_eq!(known, *onu, "another notation is no difference");
    assert_eq!(pppoe_user.trim(), pppoe_user);
}

fn check_property(of_client: &PropertyOfClient) {
    let PropertyOfClient { property, reports_connections, client } = of_client;
    let Property { id, site, address: _, coordinate, read_power, connections } = property;
    check_id(id);
    site.iter().for_each(check_id);
    coordinate.iter().for_each(check_coordinate);
    read_power.iter().copied().for_each(check_power);
    for connection in connections {
        check_id(&connection.splitter);
        assert!(connection.port.get() >= 1, "ports are counted from 1");
    }
    assert!(*reports_connections || connections.is_empty());
    match client {
        ClientOfProperty::Whole(record) => {
            check_record(record);
            check_stored_client(&ClientRecord {
                property: Some(property.clone()),
                ..ClientRecord::clone(record)
            });
        }
        ClientOfProperty::Id(id) => check_id(id),
        ClientOfProperty::None => (),
    }
}

fn check_splitter(splitter: &Splitter) {
    let Splitter { id, name: _, site, ratio, is_drop: _, ports } = splitter;
    check_id(id);
    site.iter().for_each(check_id);
    assert!(ratio.is_none_or(|ratio| usize::from(ratio.output) <= ports.len()), "each output is a port");
    let free: Vec<_> = splitter.free_ports().collect();
    assert!(free.is_sorted_by(|a, b| a < b) && free.len() <= ports.len());
    assert!(free.iter().all(|port| port.index() < ports.len()));
}

fn check_site(site: &Site) {
    check_id(&site.id);
    site.project.iter().for_each(check_id);
    site.coordinate.iter().for_each(check_coordinate);
}

fn check_route(route: &Route) {
    let Route { reached: _, launch, attenuation, calculated, distance_m, olt, slot, pon } = route;
    [launch, attenuation, calculated].into_iter().flatten().copied().for_each(check_power);
    assert!(distance_m.is_none_or(|metres| metres.is_finite() && metres >= 0.0));
    for part in [olt, slot, pon] {
        part.id.iter().for_each(check_id);
    }
}

/// The form in which the last known power survives a restart.
fn check_known_power(routes: Vec<Route>) {
    let code = ClientCode::new("147").expect("a code");
    if let Some((route, other_routes)) = select_route(routes) {
        assert!(route.reached, "a dark route does not count");
        let power = KnownPower { code, route, other_routes, read: None, as_of: Timestamp::UNIX_EPOCH };
        assert_eq!(payload::read_power(&payload::power_text(&power)).as_ref(), Ok(&power));
    }
}

fn check_request(request: &ConnectRequest) {
    let ConnectRequest { code, splitter, port, coordinate, implantation: _, name, address, onu } = request;
    check_code(code);
    assert!(code.as_str().chars().count() <= 100 && !code.as_str().chars().any(char::is_control));
    check_id(splitter);
    assert!(port.get() >= 1, "ports are counted from 1");
    coordinate.iter().for_each(check_coordinate);
    for text in [name, address, &onu.pppoe_user].into_iter().flatten() {
        assert!(!text.is_empty() && text.trim() == text, "an empty text is none");
        assert!(text.chars().count() <= 300 && !text.chars().any(char::is_control));
    }
    onu.serial.iter().for_each(check_serial);
    onu.mac.iter().for_each(check_mac);
    for command in [Command::Create(request.clone()), Command::Activate(request.clone())] {
        let (kind, text) = (OperationKind::from(&command), payload::command_text(&command));
        assert_eq!(payload::read_command(kind.name(), &text), Ok(command), "stored as {text}");
    }
}

fn check_code(code: &ClientCode) {
    assert!(!code.as_str().is_empty() && code.as_str().trim() == code.as_str());
    check_kept(code, code.as_str(), ClientCode::new);
}

fn check_serial(serial: &OnuSerial) {
    check_kept(serial, serial.as_str(), OnuSerial::new);
    assert_eq!(OnuSerial::new(&serial.as_str().to_ascii_lowercase()).as_ref(), Some(serial));
}

fn check_mac(mac: &MacAddress) {
    check_kept(mac, &mac.to_string(), MacAddress::new);
    assert_eq!(MacAddress::new(&mac.to_string().to_uppercase().replace(':', "-")).as_ref(), Some(mac));
}

fn check_id(id: &RecordId) {
    check_kept(id, id.as_str(), RecordId::new);
}

fn check_power(power: Dbm) {
    let dbm = power.to_f64();
    assert!(dbm.is_finite() && dbm.abs() <= 9_999.99, "{dbm}");
    assert_eq!(Dbm::from_f64(dbm), Ok(power));
    check_stored(&power);
}

fn check_coordinate(at: &Coordinate) {
    assert!((-90.0..=90.0).contains(&at.lat()) && (-180.0..=180.0).contains(&at.lng()), "on earth");
    check_stored(at);
}

/// A value that is kept as text: the text is one that makes it.
fn check_kept<T>(value: &T, text: &str, new: impl Fn(&str) -> Option<T>)
where
    T: Debug + Display + PartialEq + Serialize + DeserializeOwned,
{
    assert_eq!(value.to_string(), text);
    assert_eq!(new(text).as_ref(), Some(value));
    check_stored(value);
}

fn check_stored_client(record: &ClientRecord) {
    let text = payload::client_text(record);
    assert_eq!(payload::read_client(&text).as_ref(), Ok(record), "stored as {text}");
}

fn check_stored<T: Debug + PartialEq + Serialize + DeserializeOwned>(value: &T) {
    let text = serde_json::to_string(value).expect("it can be stored");
    let read: T = serde_json::from_str(&text).expect("it can be read again");
    assert_eq!(*value, read, "stored as {text}");
}

#[cfg(test)]
mod tests;
