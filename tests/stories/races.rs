//! Many at once, somebody else in between, answers that get lost: one client on one port all the same.

use std::time::Duration;

use futures::future::join_all;
use gateway_sandbox::{Fault, Postgres, TestClient};
use reqwest::{Method, Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::problem;
use crate::technician::{Technician, said};
use crate::world::{KEY, World};

fn at(splitter: &str, port: u16) -> Value {
    json!({ "splitter_id": splitter, "port": port })
}

/// How many were answered with 201, how many with 200, and the codes of the refusals.
async fn sorted(answers: Vec<Response>) -> (usize, usize, Vec<String>) {
    let (mut created, mut updated, mut refused) = (0, 0, Vec::new());
    for answer in answers {
        match answer.status() {
            StatusCode::CREATED => created += 1,
            StatusCode::OK => updated += 1,
            _ => {
                let problem: Value = answer.json().await.expect("JSON");
                refused.push(problem["code"].as_str().expect("a code").to_owned());
            }
        }
    }
    (created, updated, refused)
}

#[tokio::test]
async fn fifty_activations_of_one_port_leave_one_client_on_it() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    let codes: Vec<String> = (1..=50).map(|code| code.to_string()).collect();
    let answers = join_all(codes.iter().map(|code| technician.activate(code, at(&cto, 3)))).await;
    let winner: Vec<&String> = codes
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.status() == 201)
        .map(|(code, _)| code)
        .collect();
    let (created, updated, refused) = sorted(answers).await;
    assert_eq!((created, updated, refused), (1, 0, vec!["port_taken".to_owned(); 49]));
    assert_eq!((technician.on_port(&cto, 3).as_ref(), technician.counted()), (Some(winner[0]), (1, 1)));
    assert_eq!(technician.world.writes(), 1, "who was too late wrote nothing");
}

#[tokio::test]
async fn of_twenty_creates_of_one_code_one_is_done() {
    let technician = Technician::open().await;
    let ctos = &technician.network.ctos;
    let answers =
        join_all((0..20).map(|i| technician.create("147", at(&ctos[i % 3], 1 + (i as u16 % 8))))).await;
    assert_eq!(sorted(answers).await, (1, 0, vec!["client_exists".to_owned(); 19]));
    assert_eq!((technician.counted(), technician.world.writes()), ((1, 1), 1));
}

#[tokio::test]
async fn twenty_activations_of_one_code_make_one_property() {
    let technician = Technician::open().await;
    let cto = technician.network.ctos[0].clone();
    let answers = join_all((0..20).map(|_| technician.activate("147", at(&cto, 3)))).await;
    assert_eq!(sorted(answers).await, (1, 19, Vec::new()));
    assert_eq!((technician.counted(), technician.world.writes()), ((1, 1), 1));
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Database {
    Sqlite,
    Postgres,
}

#[rstest]
#[tokio::test]
async fn two_replicas_leave_one_client_on_a_port_and_one_property_of_a_code(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let server = (database == Database::Postgres).then(Postgres::start);
    let mut world = World::empty().await;
    if let Some(server) = &server {
        world.set("DATABASE_URL", &server.url());
    }
    let technician = Technician::over(world).await;
    // A process of its own: leases of one process are told apart by nothing but their holders.
    let (_other, url) = crate::commands::serve(&technician.world).await;
    let (http, cto) = (reqwest::Client::new(), technician.network.ctos[0].clone());
    let activate = async |here: bool, code: &str, port: u16| {
        let base = if here { &technician.url } else { &url };
        let put = http.put(format!("{base}/v1/clients/{code}/activation")).header("x-api-key", KEY);
        put.json(&at(&cto, port)).send().await.expect("an answer")
    };

    let codes: Vec<String> = (1..=20).map(|code| code.to_string()).collect();
    let answers = join_all(codes.iter().enumerate().map(|(i, code)| activate(i % 2 == 0, code, 3))).await;
    assert_eq!(sorted(answers).await, (1, 0, vec!["port_taken".to_owned(); 19]));
    assert_eq!((technician.counted(), technician.world.writes()), ((1, 1), 1));

    let answers = join_all((0..12).map(|i| activate(i % 2 == 0, "147", 5))).await;
    assert_eq!(sorted(answers).await, (1, 11, Vec::new()));
    assert_eq!((technician.counted(), technician.world.writes()), ((2, 2), 2));
    let list = technician.get("/v1/activations?code=147").await;
    assert_eq!(list["activations"].as_array().map(Vec::len), Some(12), "one log for both");
}

#[tokio::test]
async fn a_port_that_somebody_takes_between_look_and_write_is_told_as_taken() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    ozmap.faults().fail_route("POST /properties", 1, Fault::Hang(Duration::from_millis(300)));
    let (answer, ()) = tokio::join!(technician.activate("147", at(&cto, 3)), async {
        technician.until("the gateway writes", |_| ozmap.faults().awaited("POST /properties") == 0).await;
        technician.occupy("999", &cto, 3).await;
    });
    assert_eq!(problem(answer, 409, "port_taken").await["free_ports"], json!([1, 2, 4, 5, 6, 7, 8]));
    assert_eq!((technician.on_port(&cto, 3).as_deref(), technician.counted()), (Some("999"), (1, 1)));
}

#[tokio::test]
async fn a_port_that_somebody_takes_before_a_move_is_written_is_told_as_taken() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    said(technician.activate("147", at(&cto, 1)).await, 201).await;
    ozmap.faults().fail_route("PATCH /properties", 1, Fault::Hang(Duration::from_millis(300)));
    let (answer, ()) = tokio::join!(technician.activate("147", at(&cto, 3)), async {
        technician.until("the gateway writes", |_| ozmap.faults().awaited("PATCH /properties") == 0).await;
        technician.occupy("999", &cto, 3).await;
    });
    problem(answer, 409, "port_taken").await;
    assert_eq!(technician.on_port(&cto, 3).as_deref(), Some("999"));
    assert_eq!(technician.on_port(&cto, 1).as_deref(), Some("147"), "it is where it was");
}

/// A gateway that waits a second for an answer of OZmap's.
async fn in_a_hurry() -> Technician {
    let mut world = World::empty().await;
    world.set("UPSTREAM_TIMEOUT_SECONDS", "1");
    Technician::over(world).await
}

#[rstest]
#[case::cut(Fault::DoThenCut)]
#[case::failed_500(Fault::DoThenStatus(500))]
#[case::failed_503(Fault::DoThenStatus(503))]
#[case::time_out(Fault::DoThenHang(Duration::from_secs(2)))]
#[case::not_done_cut(Fault::Cut)]
#[case::not_done_503(Fault::Status(503))]
#[case::not_done_time_out(Fault::Hang(Duration::from_secs(2)))]
#[tokio::test]
async fn a_create_whose_answer_is_lost_is_looked_up(#[case] fault: Fault) {
    let technician = in_a_hurry().await;
    let (ozmap, ctos) = (technician.world.sandbox.ozmap(), &technician.network.ctos);
    let homeless = ozmap.add_client(TestClient::new("149").unconnected());
    let path = format!("/properties/{}", homeless.property_id);
    assert_eq!(technician.directly(Method::PATCH, &path, json!({"client": null})).await.status(), 204);

    ozmap.faults().fail_route("POST /properties", 3, fault);
    let (created, activated, settled) = tokio::join!(
        technician.create("147", at(&ctos[0], 1)),
        technician.activate("148", at(&ctos[1], 2)),
        technician.activate("149", at(&ctos[2], 3)),
    );
    for (answer, status, outcome) in
        [(created, 201, "created"), (activated, 201, "created"), (settled, 200, "updated")]
    {
        assert_eq!(said(answer, status).await["outcome"], outcome);
    }
    for (i, code) in ["147", "148", "149"].into_iter().enumerate() {
        assert_eq!(technician.on_port(&ctos[i], i as u16 + 1).as_deref(), Some(code));
    }
    assert_eq!(technician.counted(), (3, 4), "the fourth property is where nobody lives");
}

#[rstest]
#[case::cut(Fault::DoThenCut)]
#[case::failed_500(Fault::DoThenStatus(500))]
#[case::failed_503(Fault::DoThenStatus(503))]
#[case::time_out(Fault::DoThenHang(Duration::from_secs(2)))]
#[tokio::test]
async fn a_move_whose_answer_is_lost_is_done_once(#[case] fault: Fault) {
    let technician = in_a_hurry().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    said(technician.create("147", at(&cto, 1)).await, 201).await;
    ozmap.faults().fail_route("PATCH /properties", 1, fault.clone());
    ozmap.faults().fail_route("PATCH /ftth-clients", 1, fault);
    let moved = said(technician.activate("147", at(&cto, 2)).await, 200).await;
    assert_eq!((&moved["outcome"], &moved["implanted"]), (&json!("updated"), &json!(true)));
    assert_eq!((technician.on_port(&cto, 1), technician.on_port(&cto, 2).as_deref()), (None, Some("147")));
    assert_eq!(technician.counted(), (1, 1));
}

#[tokio::test]
async fn a_create_that_was_accepted_and_not_done_is_done() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    ozmap.faults().fail_route("POST /properties", 1, Fault::Body("{}".to_owned()));
    let created = said(technician.create("147", at(&cto, 1)).await, 201).await;
    assert_eq!((&created["connection"]["port"], technician.counted()), (&json!(1), (1, 1)));
}

#[tokio::test]
async fn a_create_that_was_done_without_its_port_is_connected() {
    let technician = Technician::open().await;
    let (ozmap, cto) = (technician.world.sandbox.ozmap(), technician.network.ctos[0].clone());
    ozmap.faults().fail_route("POST /properties", 1, Fault::DoThenHang(Duration::from_millis(200)));
    let (answer, ()) = tokio::join!(technician.create("147", at(&cto, 1)), async {
        technician.until("it is created", |technician| technician.on_port(&cto, 1).is_some()).await;
        let drop = technician.held("147").1["drop"].as_str().expect("a drop cable").to_owned();
        let path = format!("/cables/{drop}/fibers/disconnect");
        assert_eq!(technician.directly(Method::POST, &path, Value::Null).await.status(), 204);
    });
    assert_eq!(said(answer, 201).await["outcome"], "created");
    assert_eq!((technician.on_port(&cto, 1).as_deref(), technician.counted()), (Some("147"), (1, 1)));
}
