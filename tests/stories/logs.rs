//! The log: whoever has a request's id finds its cause.

use gateway_sandbox::Fault;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection};

use crate::commands::{Log, serve_with_log};
use crate::technician::{Technician, said};
use crate::world::World;

/// A gateway whose database is in a place that the test knows.
async fn logging(folder: &tempfile::TempDir, settings: &[(&str, &str)]) -> (World, String) {
    let mut world = World::empty().await;
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("gateway.db").display());
    world.set("DATABASE_URL", &url);
    for (name, value) in settings {
        world.set(name, value);
    }
    (world, url)
}

async fn drop_table(url: &str, table: &'static str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.expect("it can be opened");
    let sql = sqlx::AssertSqlSafe(format!("DROP TABLE {table}"));
    sqlx::query(sql).execute(&mut connection).await.expect("it is there");
}

/// The first line that has all of these, once it is there.
async fn line(log: &Log, parts: &[&str]) -> String {
    for _ in 0..500 {
        let found = log
            .lock()
            .expect("the log")
            .iter()
            .find(|line| parts.iter().all(|part| line.contains(part)))
            .cloned();
        if let Some(line) = found {
            return line;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no line has {parts:?}: {:#?}", log.lock().expect("the log"));
}

#[tokio::test]
async fn the_cause_of_an_error_stands_beside_the_request_id_and_the_tenant() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (world, url) = logging(&folder, &[]).await;
    let (_gateway, address, log) = serve_with_log(&world).await;
    let technician = Technician::at(world, address).await;
    drop_table(&url, "activations").await;
    let answer = technician.ask(Method::GET, "/v1/activations").header("x-request-id", "my-request-1").send();
    let problem = said(answer.await.expect("an answer"), 503).await;
    assert_eq!(problem["request_id"], "my-request-1");
    let cause = line(&log, &["ERROR", "no such table"]).await;
    assert!(cause.contains("request_id=\"my-request-1\"") && cause.contains("tenant=\"default\""), "{cause}");
    assert!(cause.contains("/v1/activations"), "{cause}");
    line(&log, &["status=503", "my-request-1", "tenant=\"default\""]).await;
}

#[tokio::test]
async fn what_is_done_in_tasks_of_their_own_keeps_the_request_id() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (world, _) = logging(&folder, &[]).await;
    let (_gateway, address, log) = serve_with_log(&world).await;
    let technician = Technician::at(world, address).await;
    let splitter = technician.network.ctos[0].clone();
    let body = json!({"splitter_id": splitter, "port": 3});
    let put =
        technician.ask(Method::PUT, "/v1/clients/147/activation").header("x-request-id", "my-request-2");
    said(put.json(&body).send().await.expect("an answer"), 201).await;
    line(&log, &["activation", "outcome=\"created\"", "my-request-2", "tenant=\"default\""]).await;

    let run = technician.ask(Method::POST, "/v1/sync-runs").header("x-request-id", "my-request-3");
    let run = said(run.send().await.expect("an answer"), 202).await;
    let id = run["id"].as_str().expect("an id");
    line(&log, &["the run", id, "my-request-3", "tenant=\"default\""]).await;
}

#[tokio::test]
async fn a_failed_call_names_its_operation_and_the_stored_request_for_which_it_was_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (world, _) = logging(&folder, &[("GATEWAY_LOG", "debug")]).await;
    let (_gateway, address, log) = serve_with_log(&world).await;
    let technician = Technician::at(world, address).await;
    let splitter = technician.network.ctos[0].clone();
    technician.world.sandbox.ozmap().faults().fail_route("GET /splitters/", 1, Fault::Status(503));
    let put = technician.ask(Method::PUT, "/v1/clients/147/activation").header("prefer", "respond-async");
    let body = json!({"splitter_id": splitter, "port": 3});
    let operation = said(put.json(&body).send().await.expect("an answer"), 202).await;
    let id = operation["id"].as_str().expect("an id");
    let repeated = line(&log, &["the call will be repeated", id]).await;
    for part in ["operation{", "tenant=\"default\"", "call{", "system=\"OZmap\"", "read a splitter"] {
        assert!(repeated.contains(part), "{part}: {repeated}");
    }
}

#[tokio::test]
async fn the_log_is_json_where_a_setting_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (world, _) = logging(&folder, &[("GATEWAY_LOG_FORMAT", "json")]).await;
    let (_gateway, address, log) = serve_with_log(&world).await;
    let technician = Technician::at(world, address).await;
    let get = technician.ask(Method::GET, "/v1/sync-runs").header("x-request-id", "my-request-4");
    said(get.send().await.expect("an answer"), 200).await;
    let line = line(&log, &["my-request-4"]).await;
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&line["level"], &line["fields"]["status"]), (&json!("INFO"), &json!(200)), "{line:#}");
    let span = &line["span"];
    assert_eq!(
        (&span["request_id"], &span["tenant"]),
        (&json!("my-request-4"), &json!("default")),
        "{line:#}"
    );
    for line in log.lock().expect("the log").iter() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[tokio::test]
async fn no_text_of_a_caller_breaks_a_line_or_turns_it_round() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (world, _) = logging(&folder, &[]).await;
    let (_gateway, address, log) = serve_with_log(&world).await;
    let technician = Technician::at(world, address).await;
    let body = json!({"splitter_id": technician.network.ctos[0], "port": 3});
    let put = technician.ask(Method::PUT, "/v1/clients/147%E2%80%A8INFO%E2%80%AE/activation");
    said(put.json(&body).send().await.expect("an answer"), 201).await;
    let told = line(&log, &["activation", "outcome=\"created\""]).await;
    assert!(told.contains("147\\u2028INFO\\u202e") && !told.contains(['\u{2028}', '\u{202e}']), "{told}");
}
