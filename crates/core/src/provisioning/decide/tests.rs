//! The decision as a table: what OZmap says, what was asked, what is written.

use rstest::rstest;

use super::*;
use crate::provisioning::request::LockOn;
use crate::{
    Client, ClientCode, Connection, Implantation, OnuPatch, OnuSerial, PortNumber, Ratio, RecordId, Status,
};

fn id(text: &str) -> RecordId {
    RecordId::new(text).expect("an identifier")
}

fn port(number: u16) -> PortNumber {
    PortNumber::new(number).expect("a port")
}

fn at(lat: f64, lng: f64) -> Coordinate {
    Coordinate::new(lat, lng).expect("a place")
}

/// Ports 1 and 3 are free, 2 is taken, 4 is blocked.
fn splitter() -> Splitter {
    Splitter {
        id: id("splitter"),
        name: "Splitter 1".into(),
        site: Some(id("box")),
        ratio: Some(Ratio { input: 1, output: 4 }),
        is_drop: true,
        ports: vec![PortState::Free, PortState::Taken, PortState::Free, PortState::Blocked],
    }
}

fn cto() -> Site {
    Site {
        id: id("box"),
        kind: SiteKind::Cto,
        name: "CTO 12".into(),
        address: None,
        coordinate: Some(at(-27.5, -48.5)),
        implantation: Implantation::Implanted,
        is_draft: false,
        project: None,
    }
}

fn condominium() -> Site {
    Site { kind: SiteKind::Condominium, ..cto() }
}

fn request(number: u16) -> ConnectRequest {
    ConnectRequest {
        code: ClientCode::new("147").expect("a code"),
        splitter: id("splitter"),
        port: port(number),
        coordinate: None,
        implantation: Implantation::Implanted,
        name: None,
        address: None,
        onu: OnuPatch::default(),
    }
}

/// On port 2 of the splitter.
fn record() -> ClientRecord {
    ClientRecord {
        client: Client {
            id: id("client"),
            code: ClientCode::new("147").expect("a code"),
            status: Some(Status::Ok),
            implantation: Implantation::Implanted,
            onu: Onu { serial_number: "FHTT9A0B1C2D".into(), ..Onu::default() },
            onu_known: true,
        },
        name: Some("Maria".into()),
        property: Some(Property {
            id: id("property"),
            site: Some(id("box")),
            address: Some("Rua das Orquídeas, 258".into()),
            coordinate: Some(at(-27.6, -48.5)),
            read_power: None,
            connections: vec![Connection { splitter: id("splitter"), splitter_name: None, port: port(2) }],
        }),
    }
}

/// On no splitter.
fn loose() -> ClientRecord {
    let mut record = record();
    record.property.as_mut().expect("a property").connections.clear();
    record
}

fn observed(records: &[ClientRecord], splitter: Splitter, site: Option<Site>) -> Observed {
    Observed { records: records.to_vec(), splitter: Some(splitter), site, created: Created::No }
}

fn activated(
    request: &ConnectRequest,
    records: &[ClientRecord],
    splitter: Splitter,
    site: Option<Site>,
) -> Result<Vec<Write>, Refusal> {
    decide(&Command::Activate(request.clone()), &observed(records, splitter, site))
}

fn decided(request: &ConnectRequest, records: &[ClientRecord]) -> Result<Vec<Write>, Refusal> {
    activated(request, records, splitter(), Some(cto()))
}

/// The property that is created, if nothing else is written.
fn created(writes: Result<Vec<Write>, Refusal>) -> NewProperty {
    match writes.as_deref() {
        Ok([Write::CreateProperty(property)]) => property.clone(),
        other => panic!("a creation, not {other:?}"),
    }
}

/// The change of a property, if nothing else is written.
fn patched(writes: Result<Vec<Write>, Refusal>) -> PropertyPatch {
    match writes.as_deref() {
        Ok([Write::PatchProperty(patch)]) => patch.clone(),
        other => panic!("a change of the property, not {other:?}"),
    }
}

#[test]
fn a_free_port_is_given_to_a_client_that_is_not_there() {
    let request =
        ConnectRequest { name: Some("Maria".into()), coordinate: Some(at(-27.6, -48.4)), ..request(1) };
    let property = created(decided(&request, &[]));
    assert_eq!((property.site, property.splitter, property.port), (id("box"), id("splitter"), port(1)));
    assert_eq!(property.coordinate, request.coordinate);
    let expected = PropertyClient::New {
        code: request.code,
        name: request.name,
        implantation: Implantation::Implanted,
        onu: Onu::default(),
    };
    assert_eq!(property.client, expected);
}

#[test]
fn a_new_property_without_a_place_gets_the_boxs_and_none_in_a_building() {
    let create = |request: &ConnectRequest, site: Site| {
        decide(&Command::Create(request.clone()), &observed(&[], splitter(), Some(site)))
    };
    let place = |request: &ConnectRequest, site: Site| created(create(request, site)).coordinate;
    assert_eq!(place(&request(1), cto()), cto().coordinate);
    let somewhere = ConnectRequest { coordinate: Some(at(1.0, 1.0)), ..request(1) };
    assert_eq!(place(&somewhere, condominium()), None);
    let nowhere = create(&request(1), Site { coordinate: None, ..cto() });
    assert_eq!(nowhere, Err(Refusal::NoCoordinate(id("splitter"))));
}

#[rstest]
#[case::taken(2, Refusal::PortTaken { splitter: id("splitter"), port: port(2), free: vec![port(1), port(3)] })]
#[case::blocked(4, Refusal::PortBlocked { splitter: id("splitter"), port: port(4), free: vec![port(1), port(3)] })]
#[case::beyond(5, Refusal::NoSuchPort { splitter: id("splitter"), port: port(5), ports: 4 })]
fn a_port_that_is_not_free_is_refused_to_old_and_new_clients(#[case] number: u16, #[case] expected: Refusal) {
    assert_eq!(decided(&request(number), &[]), Err(expected.clone()));
    assert_eq!(decided(&request(number), &[loose()]), Err(expected));
}

#[test]
fn a_splitter_must_serve_clients() {
    let refused = |splitter: Splitter, site: Option<Site>| {
        let decision = activated(&request(1), &[record()], splitter, site);
        matches!(decision, Err(Refusal::NotADropSplitter { .. }))
    };
    assert!(refused(Splitter { is_drop: false, ..splitter() }, Some(cto())));
    assert!(refused(splitter(), Some(Site { is_draft: true, ..cto() })));
    assert!(refused(splitter(), None));
    assert!(!refused(splitter(), Some(condominium())));
}

#[test]
fn what_is_so_already_is_not_written() {
    assert_eq!(decided(&request(2), &[record()]), Ok(vec![]));
    let same = ConnectRequest {
        coordinate: Some(at(-27.600_000_01, -48.5)),
        name: Some("Maria".into()),
        address: Some("Rua das Orquídeas, 258".into()),
        onu: OnuPatch { serial: OnuSerial::new("fhtt9a0b1c2d"), ..OnuPatch::default() },
        ..request(2)
    };
    assert_eq!(decided(&same, &[record()]), Ok(vec![]));
}

#[test]
fn a_clients_own_port_is_its_own_even_if_it_is_blocked_by_now() {
    let mut splitter = splitter();
    splitter.ports[1] = PortState::Blocked;
    let decision = activated(&request(2), &[record()], splitter, Some(cto()));
    assert_eq!(decision, Ok(vec![]));
}

#[test]
fn only_what_differs_is_written() {
    let request = ConnectRequest {
        implantation: Implantation::NotImplanted,
        name: Some("Ana".into()),
        onu: OnuPatch { pppoe_user: Some("ana.147".into()), ..OnuPatch::default() },
        ..request(2)
    };
    let onu = Onu { serial_number: "FHTT9A0B1C2D".into(), pppoe_user: "ana.147".into(), ..Onu::default() };
    let patch = ClientPatch {
        id: id("client"),
        name: Some("Ana".into()),
        implantation: Some(Implantation::NotImplanted),
        onu: Some(onu),
    };
    assert_eq!(decided(&request, &[record()]), Ok(vec![Write::PatchClient(patch)]));
}

#[test]
fn a_move_names_the_new_port_and_the_new_box() {
    let mut elsewhere = record();
    elsewhere.property.as_mut().expect("a property").site = Some(id("other"));
    elsewhere.property.as_mut().expect("a property").connections[0].splitter = id("other-splitter");
    let patch = patched(decided(&request(3), &[elsewhere]));
    let expected = PropertyPatch {
        id: id("property"),
        connect: Some((id("splitter"), port(3))),
        site: Some(id("box")),
        coordinate: None,
        address: None,
    };
    assert_eq!(patch, expected);
}

#[test]
fn a_property_that_leaves_a_building_gets_the_boxs_place() {
    let mut inside = loose();
    inside.property.as_mut().expect("a property").coordinate = None;
    let coordinate = patched(decided(&request(1), &[inside])).coordinate;
    assert_eq!(coordinate, cto().coordinate);
}

#[test]
fn a_client_without_a_property_gets_one() {
    let without_property = ClientRecord { property: None, ..record() };
    let property = created(decided(&request(1), &[without_property]));
    assert_eq!(property.client, PropertyClient::Known(id("client")));
}

#[test]
fn a_create_is_for_clients_that_are_not_there() {
    let create = |created, records: &[ClientRecord]| {
        let observed = Observed { created, ..observed(records, splitter(), Some(cto())) };
        decide(&Command::Create(request(2)), &observed)
    };
    let exists = Err(Refusal::ClientExists(request(2).code));
    assert_eq!(create(Created::No, &[record()]), exists);
    assert_eq!(create(Created::No, &[loose(), record()]), exists);
    // After a lost answer the client on this very port is ours, any other is not.
    assert_eq!(create(Created::Perhaps, &[record()]), Ok(vec![]));
    assert_eq!(create(Created::Perhaps, &[loose()]), exists);
    // After an answer whoever has this code is ours, and two are one too many.
    assert_eq!(create(Created::Yes, &[record()]), Ok(vec![]));
    let two = Refusal::Ambiguous { code: request(2).code, count: 2 };
    assert_eq!(create(Created::Yes, &[loose(), record()]), Err(two));
}

#[test]
fn a_splitter_that_ozmap_does_not_have_is_refused() {
    let observed = Observed { splitter: None, ..observed(&[], splitter(), None) };
    let expected = Err(Refusal::NoSuchSplitter(id("splitter")));
    assert_eq!(decide(&Command::Activate(request(1)), &observed), expected);
}

#[test]
fn a_client_is_locked_before_a_splitter() {
    let command = Command::Activate(request(1));
    let (code, splitter) = (ClientCode::new("147").expect("a code"), id("splitter"));
    assert_eq!(command.locks().collect::<Vec<_>>(), [LockOn::Client(&code), LockOn::Splitter(&splitter)]);
}

#[test]
fn which_of_two_clients_is_meant_is_not_guessed() {
    let expected = Refusal::Ambiguous { code: request(1).code, count: 2 };
    assert_eq!(decided(&request(1), &[record(), loose()]), Err(expected));
}
