//! The decision as a table: what OZmap says, what was asked, what is written.

use rstest::rstest;

use super::*;
use crate::{ClientCode, Connection, Implantation, OnuPatch, OnuSerial, PortNumber, Ratio, RecordId, Status};

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
        id: id("client"),
        code: ClientCode::new("147").expect("a code"),
        name: Some("Maria".into()),
        status: Some(Status::Ok),
        implantation: Implantation::Implanted,
        onu: Onu { serial_number: "FHTT9A0B1C2D".into(), ..Onu::default() },
        home: Some(Property {
            property: id("property"),
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
    record.home.as_mut().expect("a home").connections.clear();
    record
}

fn decided(request: &ConnectRequest, records: &[ClientRecord]) -> Result<Decision, Refusal> {
    decide(Intent::Activate, request, records, &splitter(), Some(&cto()))
}

#[test]
fn a_free_port_is_given_to_a_client_who_is_not_there() {
    let request =
        ConnectRequest { name: Some("Maria".into()), coordinate: Some(at(-27.6, -48.4)), ..request(1) };
    let Ok(Decision::Create(home)) = decided(&request, &[]) else { panic!("a creation") };
    assert_eq!((home.site, home.splitter, home.port), (id("box"), id("splitter"), port(1)));
    assert_eq!(home.coordinate, request.coordinate);
    let expected = PropertyClient::New {
        code: request.code,
        name: request.name,
        implantation: Implantation::Implanted,
        onu: Onu::default(),
    };
    assert_eq!(home.resident, expected);
}

#[test]
fn a_new_property_without_a_place_gets_the_boxs_and_none_in_a_building() {
    let create =
        |request: &ConnectRequest, site: Site| decide(Intent::Create, request, &[], &splitter(), Some(&site));
    let place = |request: &ConnectRequest, site: Site| match create(request, site) {
        Ok(Decision::Create(home)) => home.coordinate,
        other => panic!("a creation, not {other:?}"),
    };
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
        let decision = decide(Intent::Activate, &request(1), &[record()], &splitter, site.as_ref());
        matches!(decision, Err(Refusal::NotADropSplitter { .. }))
    };
    assert!(refused(Splitter { is_drop: false, ..splitter() }, Some(cto())));
    assert!(refused(splitter(), Some(Site { is_draft: true, ..cto() })));
    assert!(refused(splitter(), None));
    assert!(!refused(splitter(), Some(condominium())));
}

#[test]
fn what_is_so_already_is_not_written() {
    assert_eq!(decided(&request(2), &[record()]), Ok(Decision::Nothing));
    let same = ConnectRequest {
        coordinate: Some(at(-27.600_000_01, -48.5)),
        name: Some("Maria".into()),
        address: Some("Rua das Orquídeas, 258".into()),
        onu: OnuPatch { serial: OnuSerial::new("fhtt9a0b1c2d"), ..OnuPatch::default() },
        ..request(2)
    };
    assert_eq!(decided(&same, &[record()]), Ok(Decision::Nothing));
}

#[test]
fn his_own_port_is_his_even_if_it_is_blocked_by_now() {
    let mut splitter = splitter();
    splitter.ports[1] = PortState::Blocked;
    let decision = decide(Intent::Activate, &request(2), &[record()], &splitter, Some(&cto()));
    assert_eq!(decision, Ok(Decision::Nothing));
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
    let edit = ClientPatch {
        name: Some("Ana".into()),
        implantation: Some(Implantation::NotImplanted),
        onu: Some(onu),
    };
    let expected = Decision::Update { home: None, client: Some((id("client"), edit)) };
    assert_eq!(decided(&request, &[record()]), Ok(expected));
}

#[test]
fn a_move_names_the_new_port_and_the_new_box() {
    let mut elsewhere = record();
    elsewhere.home.as_mut().expect("a home").site = Some(id("other"));
    elsewhere.home.as_mut().expect("a home").connections[0].splitter = id("other-splitter");
    let Ok(Decision::Update { home: Some(edit), client: None }) = decided(&request(3), &[elsewhere]) else {
        panic!("a move")
    };
    let expected = PropertyPatch::Edit {
        property: id("property"),
        connect: Some((id("splitter"), port(3))),
        site: Some(id("box")),
        coordinate: None,
        address: None,
    };
    assert_eq!(edit, expected);
}

#[test]
fn a_property_that_leaves_a_building_gets_the_boxs_place() {
    let mut inside = loose();
    inside.home.as_mut().expect("a home").coordinate = None;
    let Ok(Decision::Update { home: Some(PropertyPatch::Edit { coordinate, .. }), .. }) =
        decided(&request(1), &[inside])
    else {
        panic!("a move")
    };
    assert_eq!(coordinate, cto().coordinate);
}

#[test]
fn a_client_without_a_property_gets_one() {
    let homeless = ClientRecord { home: None, ..record() };
    let Ok(Decision::Update { home: Some(PropertyPatch::New(home)), client: None }) =
        decided(&request(1), &[homeless])
    else {
        panic!("a new home")
    };
    assert_eq!(home.resident, PropertyClient::Known(id("client")));
}

#[test]
fn a_create_is_for_clients_who_are_not_there() {
    let create =
        |intent, records: &[ClientRecord]| decide(intent, &request(2), records, &splitter(), Some(&cto()));
    let exists = Err(Refusal::ClientExists(request(2).code));
    assert_eq!(create(Intent::Create, &[record()]), exists);
    assert_eq!(create(Intent::Create, &[loose(), record()]), exists);
    // After a lost answer the client on this very port is ours, any other is not.
    assert_eq!(create(Intent::CreateAgain, &[record()]), Ok(Decision::Nothing));
    assert_eq!(create(Intent::CreateAgain, &[loose()]), exists);
}

#[test]
fn which_of_two_clients_is_meant_is_not_guessed() {
    let expected = Refusal::Ambiguous { code: request(1).code, count: 2 };
    assert_eq!(decided(&request(1), &[record(), loose()]), Err(expected));
}
