//! Bodies of answers: what hosts, and the proxies before them, make of JSON.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use gateway_core::sync::RunState;
use gateway_sandbox::Fault;
use rstest::rstest;
use serde_json::json;

use crate::world::World;

const BULK: &str = "/api/diag";

fn rows() -> String {
    json!([
        { "gpon_client_id": 147, "rx_power": -21.53, "pppoe_username": "joão.147" },
        { "gpon_client_id": 148, "rx_power": -22.5, "pppoe_username": "maria.148" },
    ])
    .to_string()
}

/// Clients 147 and 148, and an INT6 that answers the first page of the bulk read so.
async fn world(headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> World {
    let world = World::empty().await;
    for code in ["147", "148"] {
        world.client(code);
    }
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    world.sandbox.int6().faults().fail_route(BULK, 1, Fault::Raw { status: 200, headers, body: body.into() });
    world
}

async fn powers_after_a_run(world: &World) -> (RunState, [serde_json::Value; 2]) {
    let report = world.sync().await;
    (report.state, ["147", "148"].map(|code| world.held(code).0))
}

fn zlib(body: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

fn raw_deflate(body: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

fn windows_1252(body: &str) -> Vec<u8> {
    body.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect()
}

fn utf16(body: &str) -> Vec<u8> {
    format!("\u{feff}{body}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[rstest]
#[case::utf8_with_a_mark(&[], format!("\u{feff}{}", rows()).into_bytes())]
#[case::utf16(&[], utf16(&rows()))]
#[case::windows_1252(&[("content-type", "application/json; charset=windows-1252")], windows_1252(&rows()))]
#[case::called_html(&[("content-type", "text/html")], rows().into_bytes())]
#[case::deflate(&[("content-encoding", "deflate")], zlib(&rows()))]
#[case::raw_deflate(&[("content-encoding", "deflate")], raw_deflate(&rows()))]
#[tokio::test]
async fn both_powers_are_written_whatever_the_body_came_in(
    #[case] headers: &[(&'static str, &str)],
    #[case] body: Vec<u8>,
) {
    let world = world(headers, body).await;
    assert_eq!(powers_after_a_run(&world).await, (RunState::Finished, [json!(-21.53), json!(-22.5)]));
    let held = world.sandbox.ozmap().client("147").expect("the client");
    assert_eq!(held["onu"]["user_PPPoE"], "joão.147");
}

#[tokio::test]
async fn a_byte_that_fits_no_character_costs_no_power() {
    let world = world(&[("content-type", "application/json")], windows_1252(&rows())).await;
    assert_eq!(powers_after_a_run(&world).await, (RunState::Finished, [json!(-21.53), json!(-22.5)]));
}

#[rstest]
#[case::nan("NaN")]
#[case::infinity("-Infinity")]
#[case::python("None")]
#[case::nothing("")]
#[tokio::test]
async fn a_value_that_json_does_not_have_costs_no_other_client(#[case] literal: &str) {
    let body = rows().replacen("-21.53", literal, 1);
    let world = world(&[("content-type", "application/json")], body).await;
    let (state, [_, second]) = powers_after_a_run(&world).await;
    assert_eq!((state, second), (RunState::Finished, json!(-22.5)));
}

#[rstest]
#[case::an_unknown_encoding(&[("content-encoding", "rot13")], "x", "an encoding that is not understood: rot13")]
#[case::no_gzip(&[("content-encoding", "gzip")], "x", "no sound gzip")]
#[case::a_page(&[("content-type", "text/html")], "<title>It works</title>", "an HTML page (title: It works), not JSON")]
#[case::a_sign_in_page(
    &[("content-type", "text/html")],
    "<title>AutoISP</title><form><input type=\"password\" name=\"user[password]\"></form>",
    "its sign-in page, an HTML page (title: AutoISP)"
)]
#[case::an_error(&[], r#"{"error":"Usuario sem permissao para esta API"}"#, "Usuario sem permissao para esta API")]
#[tokio::test]
async fn what_cannot_be_read_is_told_for_what_it_is_and_nothing_is_written(
    #[case] headers: &[(&'static str, &str)],
    #[case] body: &str,
    #[case] told: &str,
) {
    let world = world(headers, body).await;
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let always = Fault::Raw { status: 200, headers, body: body.into() };
    world.sandbox.int6().faults().fail_route(BULK, 1_000, always);
    let report = world.sync().await;
    assert_eq!((report.state, world.writes()), (RunState::Failed, 0));
    let error = report.error.unwrap_or_default();
    assert!(error.contains(told), "{error}");
    assert!(!error.contains("it is not JSON"), "{error}");
}

fn redirect(to: &str) -> Fault {
    Fault::Raw { status: 302, headers: vec![("location", to.to_owned())], body: Vec::new() }
}

#[tokio::test]
async fn a_redirect_to_the_sign_in_page_renews_the_token() {
    let world = World::empty().await;
    world.client("147");
    world.reading("147", json!(-21.53));
    world.sandbox.int6().faults().fail_route(BULK, 1, redirect("/users/sign_in"));
    let report = world.sync().await;
    assert_eq!((report.state, report.error, world.held("147").0), (RunState::Finished, None, json!(-21.53)));
    let asked = world.sandbox.int6().calls().recorded();
    assert_eq!(asked.iter().filter(|call| call.path.ends_with("request_token")).count(), 2);
}

#[tokio::test]
async fn a_host_that_redirects_to_its_sign_in_page_again_and_again_says_so() {
    let world = World::empty().await;
    world.client("147");
    world.sandbox.int6().faults().fail_route(BULK, 1_000, redirect("/users/sign_in?back=secret"));
    let report = world.sync().await;
    let error = report.error.unwrap_or_default();
    assert!(error.contains("the host redirects to its sign-in page http://127.0.0.1"), "{error}");
    assert!(error.ends_with("/users/sign_in"), "{error}");
    assert_eq!((report.state, world.writes()), (RunState::Failed, 0));
}

#[tokio::test]
async fn a_redirect_elsewhere_says_where_to() {
    let world = World::empty().await;
    world.client("147");
    world
        .sandbox
        .ozmap()
        .faults()
        .fail_next(1_000, redirect("https://new.example/api/v2/properties?key=secret"));
    let error = world.sync().await.error.unwrap_or_default();
    let told =
        "the host redirects to https://new.example/api/v2/properties: is the URL in the settings right?";
    assert!(error.ends_with(told), "{error}");
}
