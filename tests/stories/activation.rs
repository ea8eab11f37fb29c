//! A technician's installation in OZmap: created, moved, updated, refused; never at somebody's expense.

use gateway_sandbox::{Fault, TestClient};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::problem;
use crate::technician::{Technician, said};

/// The least that an activation asks.
pub fn at(splitter: &str, port: u16) -> Value {
    json!({ "splitter_id": splitter, "port": port })
}

fn with(mut body: Value, more: Value) -> Value {
    let more = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(more);
    body
}

/// All that a request can say.
fn whole(splitter: &str, port: u16) -> Value {
    let onu = json!({"serial_number": "FHTT9A0B1C2D", "pppoe_user": "maria.147", "mac_address": "94:E3:EE:0E:10:55"});
    with(
        at(splitter, port),
        json!({
            "coordinate": {"lat": -26.5001, "lng": -44.2002}, "implanted": true, "name": "Maria",
            "address": "Rua das Orquídeas, 258", "onu": onu,
        }),
    )
}

#[tokio::test]
async fn what_is_so_already_is_not_written() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    said(technician.activate("147", whole(&cto, 3)).await, 201).await;
    let writes = technician.world.writes();
    let repeated = said(technician.activate("147", whole(&cto, 3)).await, 200).await;
    assert_eq!((&repeated["outcome"], technician.world.writes()), (&json!("unchanged"), writes));
    let least = said(technician.activate("147", at(&cto, 3)).await, 200).await;
    assert_eq!(
        (&least["outcome"], technician.world.writes()),
        (&json!("unchanged"), writes),
        "nothing more was asked"
    );
}

#[tokio::test]
async fn a_client_whom_ozmap_does_not_know_is_created_on_his_port() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    let answer = technician.activate("147", whole(&cto, 3)).await;
    assert_eq!(answer.headers()["location"], "/v1/clients/147");
    let created = said(answer, 201).await;
    let (client, property, port) = technician.held("147");
    assert_eq!(port, (json!(cto), json!(3)));
    assert_eq!((&client["implanted"], &client["name"]), (&json!(true), &json!("Maria")));
    assert_eq!(client["onu"]["serial_number"], "FHTT9A0B1C2D");
    assert_eq!(client["onu"]["user_PPPoE"], "maria.147");
    assert_eq!((&property["lat"], &property["lng"]), (&json!(-26.5001), &json!(-44.2002)));
    assert_eq!(property["address"], "Rua das Orquídeas, 258");
    assert_eq!((technician.world.writes(), technician.counted()), (1, (1, 1)));

    assert_eq!((&created["outcome"], &created["code"]), (&json!("created"), &json!("147")));
    assert_eq!((&created["implanted"], &created["status"]), (&json!(true), &json!("ok")));
    assert_eq!(
        (&created["connection"]["splitter_id"], &created["connection"]["port"]),
        (&json!(cto), &json!(3))
    );
    assert_eq!(created["coordinate"], json!({"lat": -26.5001, "lng": -44.2002}));
    assert_eq!(created["onu"]["mac_address"], "94:e3:ee:0e:10:55");
    let mut read = technician.get("/v1/clients/147").await;
    read["outcome"] = created["outcome"].clone();
    read["as_of"] = created["as_of"].clone();
    assert_eq!(read, created, "what OZmap says afterwards is what was answered");
}

#[tokio::test]
async fn without_a_coordinate_a_new_client_gets_the_place_of_the_box() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    let ozmap = technician.world.sandbox.ozmap();
    let parent = ozmap.record_of(&cto).expect("a splitter")["parent"].clone();
    let place = ozmap.record_of(parent.as_str().expect("an id")).expect("a box");
    let created = said(technician.activate("147", at(&cto, 1)).await, 201).await;
    assert_eq!(created["coordinate"], json!({"lat": place["lat"], "lng": place["lng"]}));
}

#[tokio::test]
async fn a_client_moves_to_another_port_box_and_building_and_back() {
    let technician = Technician::open().await;
    let (one, two) = (technician.network.ctos[0].clone(), technician.network.ctos[1].clone());
    let (flat, other_flat) =
        (technician.network.condominium[0].clone(), technician.network.condominium[1].clone());
    said(technician.activate("147", whole(&one, 3)).await, 201).await;
    for (splitter, port) in [(&one, 4), (&two, 4), (&flat, 2), (&other_flat, 2), (&two, 1)] {
        let moved = said(technician.activate("147", at(splitter, port)).await, 200).await;
        assert_eq!(moved["outcome"], "updated");
        let (client, property, held) = technician.held("147");
        assert_eq!(held, (json!(splitter), json!(port)));
        let parent =
            technician.world.sandbox.ozmap().record_of(splitter).expect("a splitter")["parent"].clone();
        assert_eq!(property["box"], parent);
        assert_eq!(
            property["lat"].is_null(),
            technician.network.condominium.contains(splitter),
            "{property}"
        );
        assert_eq!(
            (&property["address"], &client["name"]),
            (&json!("Rua das Orquídeas, 258"), &json!("Maria"))
        );
        assert_eq!(moved["coordinate"].is_null(), property["lat"].is_null());
    }
    for (splitter, port) in [(&one, 3), (&one, 4), (&two, 4), (&flat, 2), (&other_flat, 2)] {
        assert_eq!(technician.on_port(splitter, port), None, "what it left is free");
    }
    assert_eq!((technician.counted(), technician.world.writes()), ((1, 1), 6));
}

#[rstest]
#[case("147 ")]
#[case(" 147")]
#[tokio::test]
async fn a_client_whose_code_has_blanks_in_ozmap_is_not_created_a_second_time(#[case] held: &str) {
    let technician = Technician::open().await;
    technician.world.sandbox.ozmap().add_client(TestClient::new(held));
    let body = json!({"splitter_id": technician.network.ctos[0], "port": 3});
    for answer in [technician.activate("147", body.clone()).await, technician.create("147", body).await] {
        let problem = said(answer, 409).await;
        assert_eq!(problem["code"], "client_ambiguous", "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("blanks")), "{problem}");
    }
    assert_eq!(technician.counted(), (1, 1));
}

#[tokio::test]
async fn what_int6_knows_is_merged_and_nothing_is_blanked() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    ozmap.add_client(
        TestClient::new("147").name("Maria").onu("maria.147", "FHTT9A0B1C2D", "94e3ee0e1055").unconnected(),
    );
    let unknown = json!({"name": null, "address": " ", "coordinate": null,
        "onu": {"serial_number": "N/A", "pppoe_user": "", "mac_address": null}});
    said(technician.activate("147", with(at(&cto, 1), unknown)).await, 200).await;
    let (client, property, port) = technician.held("147");
    assert_eq!(port, (json!(cto), json!(1)));
    let onu =
        json!({"user_PPPoE": "maria.147", "serial_number": "FHTT9A0B1C2D", "mac_address": "94e3ee0e1055"});
    assert_eq!((&client["name"], &client["onu"], property["lat"].is_null()), (&json!("Maria"), &onu, false));

    let before = property["lat"].clone();
    let news = json!({"name": "Maria da Silva", "onu": {"serial_number": "ALCL12345678"}});
    let updated = said(technician.activate("147", with(at(&cto, 1), news)).await, 200).await;
    let (client, property, _) = technician.held("147");
    assert_eq!(
        (&client["name"], &client["onu"]["serial_number"]),
        (&json!("Maria da Silva"), &json!("ALCL12345678"))
    );
    assert_eq!(client["onu"]["user_PPPoE"], "maria.147", "the rest of the ONU stays");
    assert_eq!(client["onu"]["mac_address"], "94e3ee0e1055");
    assert_eq!((&property["lat"], &updated["onu"]["pppoe_user"]), (&before, &json!("maria.147")));

    let place = json!({"address": "Rua Nova, 1", "coordinate": {"lat": -26.51, "lng": -44.21}});
    said(technician.activate("147", with(at(&cto, 1), place)).await, 200).await;
    let (client, property, _) = technician.held("147");
    assert_eq!((&property["address"], &property["lat"]), (&json!("Rua Nova, 1"), &json!(-26.51)));
    assert_eq!(client["name"], "Maria da Silva");
}

#[tokio::test]
async fn implantation_becomes_what_was_chosen() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    let reserved = said(technician.create("147", at(&cto, 1)).await, 201).await;
    assert_eq!(
        (&reserved["implanted"], &technician.held("147").0["implanted"]),
        (&json!(false), &json!(false))
    );
    let installed = said(technician.activate("147", at(&cto, 1)).await, 200).await;
    assert_eq!((&installed["implanted"], &installed["outcome"]), (&json!(true), &json!("updated")));
    let back =
        said(technician.activate("147", with(at(&cto, 1), json!({"implanted": false}))).await, 200).await;
    assert_eq!((&back["implanted"], &technician.held("147").0["implanted"]), (&json!(false), &json!(false)));
    let created =
        said(technician.create("148", with(at(&cto, 2), json!({"implanted": true}))).await, 201).await;
    assert_eq!(created["implanted"], true);
}

#[tokio::test]
async fn a_client_without_a_property_gets_one() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    let added = ozmap.add_client(TestClient::new("147").name("Maria").unconnected());
    let path = format!("/properties/{}", added.property_id);
    assert_eq!(technician.directly(Method::PATCH, &path, json!({"client": null})).await.status(), 204);
    assert_eq!(technician.get("/v1/clients/147").await["connection"], Value::Null);
    let settled = said(technician.activate("147", at(&cto, 1)).await, 200).await;
    assert_eq!((&settled["outcome"], &settled["name"]), (&json!("updated"), &json!("Maria")));
    assert_eq!(technician.held("147").0["id"], json!(added.client_id), "the same client");
    assert_eq!((technician.on_port(&cto, 1).as_deref(), technician.counted()), (Some("147"), (1, 2)));
}

#[tokio::test]
async fn in_a_condominium_a_client_has_no_coordinate() {
    let technician = Technician::open().await;
    let flat = technician.network.condominium[0].clone();
    let created = said(technician.activate("147", whole(&flat, 1)).await, 201).await;
    let (_, property, port) = technician.held("147");
    assert_eq!((&property["lat"], &created["coordinate"]), (&Value::Null, &Value::Null));
    assert_eq!((&property["address"], port), (&json!("Rua das Orquídeas, 258"), (json!(flat), json!(1))));
    let writes = technician.world.writes();
    assert_eq!(said(technician.activate("147", whole(&flat, 1)).await, 200).await["outcome"], "unchanged");
    assert_eq!(technician.world.writes(), writes, "works twice");
}

#[tokio::test]
async fn only_ports_of_drop_splitters_that_are_built_are_connected() {
    let technician = Technician::open().await;
    let (draft, feeder, cto) =
        (&technician.network.draft, &technician.network.feeder, &technician.network.ctos[0]);
    for (splitter, port, code) in [
        (draft.as_str(), 1, "not_a_drop_splitter"),
        (feeder.as_str(), 1, "not_a_drop_splitter"),
        ("5da61e13493d9c0006665477", 1, "no_such_splitter"),
        (cto.as_str(), 9, "no_such_port"),
    ] {
        let refused = problem(technician.activate("147", at(splitter, port)).await, 422, code).await;
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(splitter)), "{refused}");
        problem(technician.create("147", at(splitter, port)).await, 422, code).await;
    }
    assert_eq!((technician.world.writes(), technician.counted()), (0, (0, 0)));
}

#[tokio::test]
async fn a_port_that_somebody_holds_is_never_taken() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    said(technician.activate("147", at(&technician.network.ctos[1], 1)).await, 201).await;
    technician.occupy("1", &cto, 1).await;
    technician.occupy("2", &cto, 2).await;
    let clientless = technician.held("2").1["id"].as_str().expect("an id").to_owned();
    let path = format!("/properties/{clientless}");
    assert_eq!(technician.directly(Method::PATCH, &path, json!({"client": null})).await.status(), 204);
    assert!(ozmap.block_port(&cto, 3, true));
    let writes = technician.world.writes();
    for (port, code) in [(1, "port_taken"), (2, "port_taken"), (3, "port_blocked")] {
        for answer in [
            technician.activate("147", whole(&cto, port)).await,
            technician.activate("999", whole(&cto, port)).await,
            technician.create("999", whole(&cto, port)).await,
        ] {
            assert_eq!(problem(answer, 409, code).await["free_ports"], json!([4, 5, 6, 7, 8]));
        }
    }
    assert_eq!(technician.world.writes(), writes, "nothing was written");
    assert_eq!(
        technician.held("147").2,
        (json!(technician.network.ctos[1]), json!(1)),
        "the client that was to move is where it was"
    );
    assert_eq!(
        (technician.on_port(&cto, 1).as_deref(), ozmap.holder(&cto, 2)),
        (Some("1"), Some(clientless))
    );

    assert!(ozmap.block_port(&cto, 1, true));
    let stays = said(technician.activate("1", at(&cto, 1)).await, 200).await;
    assert_eq!(stays["connection"]["port"], 1, "a blocked port that it holds is its own");
}

#[tokio::test]
async fn a_client_who_is_there_is_not_created_again() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    let created = technician.create("147", at(&cto, 1)).await;
    assert_eq!(created.headers()["location"], "/v1/clients/147");
    said(created, 201).await;
    let writes = technician.world.writes();
    problem(technician.create("147", at(&cto, 1)).await, 409, "client_exists").await;
    problem(technician.create("147", at(&cto, 2)).await, 409, "client_exists").await;
    assert_eq!((technician.world.writes(), technician.held("147").2), (writes, (json!(cto), json!(1))));
}

#[tokio::test]
async fn of_two_clients_of_one_code_none_is_touched() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[3].clone();
    for _ in 0..2 {
        technician.world.sandbox.ozmap().add_client(TestClient::new("147"));
    }
    problem(technician.activate("147", at(&cto, 8)).await, 409, "client_ambiguous").await;
    problem(technician.create("147", at(&cto, 8)).await, 409, "client_exists").await;
    let read = technician.ask(Method::GET, "/v1/clients/147").send().await.expect("an answer");
    problem(read, 409, "client_ambiguous").await;
    assert_eq!((technician.world.writes(), technician.on_port(&cto, 8)), (0, None));
}

#[rstest]
#[case::port_0(json!({"port": 0}), "port")]
#[case::port_too_large(json!({"port": 65536}), "port")]
#[case::port_as_text(json!({"port": "3"}), "port")]
#[case::no_port(json!({"port": null}), "port")]
#[case::no_id(json!({"splitter_id": "../boxes"}), "splitter_id")]
#[case::latitude(json!({"coordinate": {"lat": 91, "lng": 0}}), "coordinate")]
#[case::no_longitude(json!({"coordinate": {"lat": 9}}), "lng")]
#[case::serial(json!({"onu": {"serial_number": "nonsense!"}}), "onu.serial_number")]
#[case::mac(json!({"onu": {"mac_address": "94:e3"}}), "onu.mac_address")]
#[case::unknown_field(json!({"force": true}), "force")]
#[case::unknown_part(json!({"onu": {"imei": "1"}}), "imei")]
#[case::implanted(json!({"implanted": "yes"}), "implanted")]
#[case::long_name(json!({"name": "x".repeat(301)}), "name")]
#[case::control_character(json!({"address": "Rua\u{0}1"}), "address")]
#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_by_the_name_of_its_field(
    #[case] wrong: Value,
    #[case] field: &str,
) {
    let technician = Technician::open().await;
    let body = with(whole(&technician.network.ctos[0], 3), wrong);
    for answer in [technician.activate("147", body.clone()).await, technician.create("147", body).await] {
        let refused = problem(answer, 400, "invalid_request").await;
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(field)), "{refused}");
    }
    assert_eq!(
        (technician.world.writes(), technician.get("/v1/activations").await["activations"].clone()),
        (0, json!([]))
    );
}

#[tokio::test]
async fn what_is_no_request_at_all_is_refused() {
    let technician = Technician::open().await;
    let put = |body: &str| technician.ask(Method::PUT, "/v1/clients/147/activation").body(body.to_owned());
    for (body, word) in [
        ("", "body"),
        ("{", "body"),
        ("[]", "body"),
        ("null", "body"),
        ("{}", "splitter_id"),
        ("{\"splitter_id\":\"a\"}", "port"),
    ] {
        let refused = problem(put(body).send().await.expect("an answer"), 400, "invalid_request").await;
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(word)), "{body}: {refused}");
    }
    let nameless = technician.ask(Method::POST, "/v1/clients").json(&at(&technician.network.ctos[0], 1));
    let refused = problem(nameless.send().await.expect("an answer"), 400, "invalid_request").await;
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("code")), "{refused}");
    for code in ["%20", "a%00b", &"9".repeat(101)] {
        problem(technician.activate(code, at(&technician.network.ctos[0], 1)).await, 400, "invalid_request")
            .await;
    }
    assert_eq!(technician.world.writes(), 0);
}

#[tokio::test]
async fn what_ozmap_refuses_is_told_in_its_words() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    let body = r#"{"message":"drop cable missing"}"#.to_owned();
    ozmap.faults().fail_route(
        "POST /properties",
        2,
        Fault::StatusWith { status: 422, retry_after: None, body },
    );
    let refused = problem(technician.activate("147", at(&cto, 1)).await, 502, "ozmap_rejected").await;
    assert!(
        refused["detail"].as_str().is_some_and(|detail| detail.contains("drop cable missing")),
        "{refused}"
    );
    assert_eq!(technician.counted(), (0, 0));

    said(technician.activate("148", at(&cto, 2)).await, 201).await;
    ozmap.refuse_client("148");
    problem(technician.activate("148", at(&cto, 3)).await, 502, "ozmap_rejected").await;
    assert_eq!(technician.held("148").2, (json!(cto), json!(2)));
}

#[rstest]
#[case("PATCH /properties", 2)]
#[case("PATCH /ftth-clients", 1)]
#[tokio::test]
async fn what_ozmap_accepts_and_does_not_do_is_told(#[case] route: &str, #[case] port: u16) {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    said(technician.activate("147", with(at(&cto, 1), json!({"implanted": false}))).await, 201).await;
    technician.world.sandbox.ozmap().faults().fail_route(route, 100, Fault::Status(204));
    problem(technician.activate("147", at(&cto, port)).await, 502, "ozmap_rejected").await;
    technician.world.sandbox.ozmap().faults().heal();
    said(technician.activate("147", at(&cto, port)).await, 200).await;
}

#[tokio::test]
async fn a_host_whose_look_up_leaves_the_ports_out_is_asked_for_the_property() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    said(technician.activate("147", at(&cto, 1)).await, 201).await;
    let mut row = technician.held("147").1;
    row.as_object_mut().expect("a property").remove("connections").expect("it has them");
    let ozmap = technician.world.sandbox.ozmap();
    ozmap.faults().fail_route("GET /properties/client/147", 100, Fault::Body(json!([row]).to_string()));
    assert_eq!(said(technician.activate("147", at(&cto, 1)).await, 200).await["outcome"], "unchanged");
    assert_eq!(said(technician.activate("147", at(&cto, 2)).await, 200).await["connection"]["port"], 2);
}

#[tokio::test]
async fn what_ozmap_let_be_done_by_halves_is_remembered() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    said(technician.create("147", at(&cto, 1)).await, 201).await;
    ozmap.faults().fail_route("PATCH /ftth-clients", 2, Fault::Status(422));
    problem(technician.activate("147", at(&cto, 2)).await, 502, "ozmap_rejected").await;
    let remembered = technician.get("/v1/activations?result=refused").await["activations"][0].clone();
    let port = |state: &str| remembered[state]["connection"]["port"].clone();
    assert_eq!(
        (port("before"), port("after"), &remembered["after"]["implanted"]),
        (json!(1), json!(2), &json!(false))
    );
    let repeated = said(technician.activate("147", at(&cto, 2)).await, 200).await;
    assert_eq!((&repeated["outcome"], &repeated["implanted"]), (&json!("updated"), &json!(true)));
}

#[tokio::test]
async fn a_code_may_have_letters_spaces_and_slashes() {
    let technician = Technician::open().await;
    let answer = technician.activate("a%2F1%20%C3%A7", at(&technician.network.ctos[0], 1)).await;
    let location = answer.headers()["location"].to_str().expect("a text").to_owned();
    assert_eq!(said(answer, 201).await["code"], "a/1 ç");
    assert_eq!(technician.get(&location).await["code"], "a/1 ç");
    assert_eq!(
        said(technician.activate("a%2F1%20%C3%A7", at(&technician.network.ctos[0], 1)).await, 200).await["outcome"],
        "unchanged"
    );
    assert_eq!(technician.on_port(&technician.network.ctos[0], 1).as_deref(), Some("a/1 ç"));
}

#[tokio::test]
async fn every_activation_is_remembered_with_who_asked_before_after_and_result() {
    let technician = Technician::open().await;
    let (one, two) = (technician.network.ctos[0].clone(), technician.network.ctos[1].clone());
    let path = "/v1/clients/147/activation";
    let asked = technician.ask(Method::PUT, path).header("x-request-id", "story-1").json(&whole(&one, 1));
    let id = asked.send().await.expect("an answer").headers()["x-request-id"].clone();
    said(technician.activate("147", at(&two, 1)).await, 200).await;
    said(technician.activate("147", at(&two, 1)).await, 200).await;
    problem(technician.activate("148", at(&two, 1)).await, 409, "port_taken").await;

    let page = technician.get("/v1/activations").await;
    let list = page["activations"].as_array().expect("a list").clone();
    let results: Vec<&str> = list.iter().map(|row| row["result"].as_str().expect("a result")).collect();
    assert_eq!((results, &page["next"]), (vec!["refused", "unchanged", "updated", "created"], &Value::Null));
    let [refused, _, moved, created] = &list[..] else { panic!("{list:?}") };
    assert_eq!(created["requested_by"], format!("default 127.0.0.1 {}", id.to_str().expect("a text")));
    assert_eq!((&created["before"], &created["after"]["connection"]["port"]), (&Value::Null, &json!(1)));
    assert_eq!(created["request"]["splitter_id"], json!(one));
    assert_eq!(moved["before"]["connection"]["splitter_id"], json!(one));
    assert_eq!(moved["after"]["connection"]["splitter_id"], json!(two));
    assert_eq!((&refused["code"], &refused["after"]), (&json!("148"), &Value::Null));
    assert!(refused["error"].as_str().is_some_and(|error| error.starts_with("port_taken: ")), "{refused}");
    assert!(list.iter().all(|row| row["finished_at"].as_str() >= row["requested_at"].as_str()));

    let of = async |query: &str| technician.get(&format!("/v1/activations?{query}")).await;
    assert_eq!(of("code=148").await["activations"], json!([refused]));
    assert_eq!(of("result=updated").await["activations"], json!([moved]));
    assert_eq!(of("code=%00").await["activations"], json!([]));
    let (mut paged, mut next) = (Vec::new(), Value::Null);
    for _ in 0..9 {
        let before = next.as_str().map(|next| format!("&before={next}")).unwrap_or_default();
        let page = of(&format!("limit=3{before}")).await;
        paged.extend(page["activations"].as_array().expect("a list").clone());
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(paged, list);
    for wrong in ["result=done", "limit=0", "limit=201", "before=x", "colour=red"] {
        let answer =
            technician.ask(Method::GET, &format!("/v1/activations?{wrong}")).send().await.expect("an answer");
        problem(answer, 400, "invalid_request").await;
    }
}
