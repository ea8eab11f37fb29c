//! Each form as it is written, to the letter, and as the first release wrote it. A change here is a change of what stands in
//! people's databases: raise the version, and go on reading the old form.

use gateway_core::provisioning::{
    ActivationOutcome, Command, ConnectRequest, Done, OperationAnswer, OperationKind,
};
use gateway_core::{
    Client, ClientCode, ClientRecord, Connection, Coordinate, Dbm, Equipment, ErrorCode, Implantation,
    KnownPower, MacAddress, Onu, OnuPatch, OnuSerial, PortNumber, Property, RecordId, Route, Status,
};
use jiff::Timestamp;
use rstest::rstest;
use strum::VariantArray;

use super::*;

fn id(text: &str) -> RecordId {
    RecordId::new(text).expect("an identifier")
}

fn code() -> ClientCode {
    ClientCode::new("147").expect("a code")
}

fn port(number: u16) -> PortNumber {
    PortNumber::new(number).expect("a port")
}

fn dbm(power: f64) -> Option<Dbm> {
    Dbm::from_f64(power).ok()
}

fn at() -> Timestamp {
    "2026-11-20T10:03:11.5Z".parse().expect("a time")
}

fn request() -> ConnectRequest {
    ConnectRequest {
        code: code(),
        splitter: id("5da61e13493d9c0006665477"),
        port: port(3),
        coordinate: Coordinate::new(-27.59561, -48.50244),
        implantation: Implantation::Implanted,
        name: Some("Maria".into()),
        address: None,
        onu: OnuPatch {
            serial: OnuSerial::new("FHTT9A0B1C2D"),
            pppoe_user: Some("maria.147".into()),
            mac: MacAddress::new("94:e3:ee:0e:10:55"),
        },
    }
}

fn client() -> ClientRecord {
    let connection =
        Connection { splitter: id("5da6"), splitter_name: Some("Splitter 1".into()), port: port(3) };
    ClientRecord {
        client: Client {
            id: id("c1"),
            code: code(),
            status: Some(Status::Ok),
            implantation: Implantation::NotImplanted,
            onu: Onu { serial_number: "FHTT9A0B1C2D".into(), ..Onu::default() },
            onu_known: true,
        },
        name: Some("Maria".into()),
        property: Some(Property {
            id: id("p1"),
            site: Some(id("b1")),
            address: Some("Rua das Orquídeas, 258".into()),
            coordinate: Coordinate::new(-27.5, -48.5),
            read_power: dbm(-20.1),
            connections: vec![connection],
        }),
    }
}

fn power() -> KnownPower {
    let equipment = |name: &str, number: Option<&str>| Equipment {
        id: Some(id("e1")),
        name: Some(name.into()),
        number: number.map(Into::into),
    };
    KnownPower {
        code: code(),
        route: Route {
            reached: true,
            launch: dbm(4.0),
            attenuation: dbm(23.45),
            calculated: dbm(-19.45),
            distance_m: Some(987.0),
            olt: equipment("OLT-01", None),
            slot: Equipment { number: Some("2".into()), ..Equipment::default() },
            pon: equipment("PON 2", Some("2")),
        },
        other_routes: 1,
        read: dbm(-20.1),
        as_of: at(),
    }
}

fn commands() -> [Command; OperationKind::VARIANTS.len()] {
    [Command::Create(request()), Command::Activate(request())]
}

fn answers() -> [OperationAnswer; 3] {
    let refused = OperationAnswer::Refused {
        code: ErrorCode::PortTaken,
        detail: "port 3 of splitter 5da6 holds another property".to_owned(),
        free_ports: Some(vec![port(1), port(2)]),
    };
    let done = Done { outcome: ActivationOutcome::Created, record: client(), as_of: at() };
    [OperationAnswer::Done(Box::new(done)), refused, OperationAnswer::Superseded]
}

fn sites() -> [StoredSite<'static>; 2] {
    let site = |id: &'static str, kind: &'static str, address: Option<&'static str>, splitter| StoredSite {
        id: id.into(),
        kind: kind.into(),
        name: "CTO 12".into(),
        address: address.map(Into::into),
        lat: -27.5959,
        lng: -48.5021,
        implanted: address.is_none(),
        splitters: vec![splitter],
    };
    let free = vec![0b0111_0010];
    let known = StoredSplitter("s1".into(), "Splitter 1".into(), Some((1, 8)), 8, free.into());
    let unknown = StoredSplitter("s2".into(), "".into(), None, 4, vec![].into());
    [site("b1", "cto", None, known), site("c1", "condominium", Some("Rua das Orquídeas, 258"), unknown)]
}

#[test]
fn the_forms_of_version_1() {
    let mut forms: Vec<String> = commands().iter().map(command_text).collect();
    forms.push(client_text(&client()));
    forms.push(client_text(&ClientRecord {
        client: Client { status: None, ..client().client },
        name: None,
        property: None,
    }));
    forms.extend(answers().iter().map(answer_text));
    forms.push(power_text(&power()));
    forms.push(format!("{MIRROR_FORMAT} {}", sites_text(&sites())));
    insta::assert_snapshot!(forms.join("\n"));
}

#[test]
fn what_is_written_is_read_as_it_was() {
    for command in commands() {
        let (kind, text) = (OperationKind::from(&command), command_text(&command));
        assert_eq!(read_command(kind.name(), &text), Ok(command.clone()));
        assert_eq!(read_recorded_command(&text), Ok(command));
    }
    for answer in answers() {
        assert_eq!(read_answer(&answer_text(&answer)), Ok(answer));
    }
    assert_eq!(read_client(&client_text(&client())), Ok(client()));
    assert_eq!(read_power(&power_text(&power())), Ok(power()));
    assert_eq!(read_sites(&sites_text(&sites())).as_deref(), Some(&sites()[..]));
}

/// Texts as release 0.1.0 wrote them: no version, no kind.
#[test]
fn what_the_first_release_wrote_is_read() {
    let command = r#"{"code":"147","splitter":"5da61e13493d9c0006665477","port":3,"coordinate":[-27.59561,-48.50244],"implantation":"implanted","name":"Maria","address":null,"onu":{"serial":"FHTT9A0B1C2D","pppoe_user":"maria.147","mac":"94:e3:ee:0e:10:55"}}"#;
    assert_eq!(read_command("create", command), Ok(Command::Create(request())));
    assert_eq!(read_command("activate", command), Ok(Command::Activate(request())));
    assert_eq!(read_recorded_command(command), Ok(Command::Activate(request())));
    let client_1 = r#"{"id":"c1","code":"147","name":"Maria","status":"ok","implantation":"not_implanted","onu":{"serial_number":"FHTT9A0B1C2D","pppoe_user":"","mac_address":""},"home":{"property":"p1","site":"b1","address":"Rua das Orquídeas, 258","coordinate":[-27.5,-48.5],"read_power":-20.1,"connections":[{"splitter":"5da6","splitter_name":"Splitter 1","port":3}]}}"#;
    assert_eq!(read_client(client_1), Ok(client()));
    let done = format!(
        r#"{{"kind":"done","outcome":"created","card":{client_1},"as_of":"2026-11-20T10:03:11.5Z"}}"#
    );
    let refused = r#"{"kind":"refused","code":"port_taken","detail":"port 3 of splitter 5da6 holds another property","free_ports":[1,2]}"#;
    let [expected_done, expected_refused, superseded] = answers();
    assert_eq!(read_answer(&done), Ok(expected_done));
    assert_eq!(read_answer(refused), Ok(expected_refused));
    assert_eq!(read_answer(r#"{"kind":"superseded"}"#), Ok(superseded));
    let equipment = r#"{"id":"e1","name":"PON 2","number":"2"}"#;
    let power_1 = format!(
        r#"{{"code":"147","route":{{"reached":true,"launch":4.0,"attenuation":23.45,"calculated":-19.45,"distance_m":987.0,"olt":{{"id":"e1","name":"OLT-01","number":null}},"slot":{{"id":null,"name":null,"number":"2"}},"pon":{equipment}}},"other_routes":1,"read":-20.1,"as_of":"2026-11-20T10:03:11.5Z"}}"#
    );
    assert_eq!(read_power(&power_1), Ok(power()));
}

#[rstest]
#[case::a_kind_of_a_later_release("cancel", r#"{"v":1,"code":"147"}"#, NotUnderstood::Kind("cancel".to_owned()))]
#[case::a_version_of_a_later_release("activate", r#"{"v":2,"kind":"activate"}"#, NotUnderstood::Version(2))]
fn what_a_later_release_wrote_is_not_understood(
    #[case] kind: &str,
    #[case] text: &str,
    #[case] expected: NotUnderstood,
) {
    assert_eq!(read_command(kind, text), Err(expected));
}

#[rstest]
#[case::a_field_of_another_name(command_text(&Command::Activate(request())).replace("splitter", "splitter_id"))]
#[case::a_field_more(command_text(&Command::Activate(request())).replacen('{', r#"{"olt":"OLT-01","#, 1))]
#[case::no_json("wish".to_owned())]
#[case::no_object("[]".to_owned())]
#[case::empty(String::new())]
fn what_has_another_form_is_not_understood(#[case] text: String) {
    let result = read_command("activate", &text);
    assert!(matches!(result, Err(NotUnderstood::Malformed(_))), "{result:?}");
}

#[rstest]
#[case::of_this_release("port_taken", ErrorCode::PortTaken)]
#[case::of_a_later_release("port_not_freed", ErrorCode::Internal)]
fn an_error_code_that_is_not_known_is_a_failure_without_a_name(
    #[case] code: &str,
    #[case] expected: ErrorCode,
) {
    let text = format!(r#"{{"v":1,"kind":"refused","code":"{code}","detail":"","free_ports":null}}"#);
    let refused = OperationAnswer::Refused { code: expected, detail: String::new(), free_ports: None };
    assert_eq!(read_answer(&text), Ok(refused));
}
