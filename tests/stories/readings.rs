//! Every shape of a reading, a serial number and a time, from INT6's JSON to OZmap's record.

use gateway_core::sync::RunState;
use gateway_sandbox::TestClient;
use int6_ozmap_gateway::store::FindingFilter;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::{Api, problem};
use crate::world::World;

const ONU: (&str, &str, &str) = ("old.147", "HWTC61DE3C1A", "94:e3:ee:0e:10:55");

/// A client whose ONU OZmap knows in full.
async fn with_onu() -> World {
    let world = World::empty().await;
    let (user, serial, mac) = ONU;
    world.sandbox.ozmap().add_client(TestClient::new("147").potency_read(-20.0).onu(user, serial, mac));
    world
}

fn onu(world: &World) -> (String, String, String) {
    let onu = world.sandbox.ozmap().client("147").expect("the client")["onu"].clone();
    let text = |name: &str| onu[name].as_str().unwrap_or_default().to_owned();
    (text("user_PPPoE"), text("serial_number"), text("mac_address"))
}

fn same(onu: &(String, String, String), (user, serial, mac): (&str, &str, &str)) -> bool {
    (onu.0.as_str(), onu.1.as_str(), onu.2.as_str()) == (user, serial, mac)
}

#[rstest]
#[case("-21.53(dbm)")]
#[case("-21.53 (dBm)")]
#[case("Rx:-21.53(dbm)")]
#[case("RX Power = -21,53 dBm")]
#[case("\u{2014}21.53")]
#[case("\u{2011}21.53")]
#[case("\u{fe63}21.53")]
#[case("\u{ff0d}21.53")]
#[case("\"-21.53\"")]
#[case("-21.53\0")]
#[case("0.00 mW (-21.53 dBm)")]
#[tokio::test]
async fn a_figure_is_a_figure_however_it_is_dressed(#[case] text: &str) {
    let world = World::empty().await;
    world.sandbox.ozmap().add_client(TestClient::new("147").implanted(false).status(1));
    world.reading("147", json!(text));
    world.sync().await;
    assert_eq!(world.held("147"), (json!(-21.53), json!(0), json!(true)));
    assert_eq!(world.sync().await.counts.changed, 0, "works twice");
}

#[rstest]
#[case("-21.53 / -22.10")]
#[case("1.234,56")]
#[case("-")]
#[case("None")]
#[tokio::test]
async fn what_is_no_figure_is_a_word(#[case] text: &str) {
    let world = World::empty().await;
    world.client("147");
    world.reading("147", json!(text));
    world.sync().await;
    assert_eq!(world.held("147"), (json!(-20.0), json!(1), json!(true)));
}

#[rstest]
#[case("-21.53(dbm)")]
#[case("Rx:-21.53(dbm)")]
#[case("\u{2014}21.53")]
#[case("\u{ff0d}21,53 dBm")]
#[case("0.00 mW (-21.53 dBm)")]
#[tokio::test]
async fn the_same_shapes_authorise_an_activation(#[case] text: &str) {
    let api = Api::over(World::town(30).await).await;
    let ask = async |read: &str| {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("limit_db", "1000"), ("read_dbm", read)])
            .finish();
        api.ask(Method::GET, &format!("/v1/clients/10001/power?{query}")).send().await.expect("an answer")
    };
    let told: Value = ask(text).await.json().await.expect("JSON");
    assert_eq!(
        (&told["verdict"]["read_power_dbm"], &told["verdict"]["authorised"]),
        (&json!(-21.53), &json!(true))
    );
    for odd in ["-21.53 / -22.10", "1.234,56", "\u{fffd}21.53", "Tx: 2.1 dBm"] {
        let refused = problem(ask(odd).await, 400, "invalid_request").await;
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("read_dbm")), "{refused}");
    }
    let dark: Value = ask("LOS").await.json().await.expect("JSON");
    assert_eq!(
        (&dark["verdict"]["read_power_dbm"], &dark["verdict"]["authorised"]),
        (&Value::Null, &json!(false))
    );
}

#[rstest]
#[case("Não Disponível")]
#[case("Na\u{303}o Disponi\u{301}vel")]
#[case("INDISPONIVEL")]
#[case("None")]
#[case("undefined")]
#[case("nil")]
#[case("--")]
#[case("-")]
#[case("N/A")]
#[case("")]
#[tokio::test]
async fn a_word_for_unknown_erases_nothing(#[case] word: &str) {
    let world = with_onu().await;
    let row = json!({"gpon_client_id": 147, "rx_power": -20.0, "pppoe_username": word, "serial_number": word, "mac_address": word});
    world.sandbox.int6().set_row("147", row);
    let report = world.sync().await;
    assert_eq!(
        (report.state, report.counts.changed, report.counts.unclear_field),
        (RunState::Finished, 0, 0)
    );
    assert!(same(&onu(&world), ONU));
}

#[tokio::test]
async fn an_isp_has_words_of_its_own_for_unknown() {
    let mut world = with_onu().await;
    let row = json!({"gpon_client_id": 147, "rx_power": -20.0, "pppoe_username": "Sem Cadastro"});
    world.sandbox.int6().set_row("147", row);
    world.set("INT6_UNKNOWN_WORDS", "sem cadastro, a definir");
    assert_eq!(world.sync().await.counts.changed, 0);
    world.set("INT6_UNKNOWN_WORDS", "a definir");
    assert_eq!(world.sync().await.counts.changed, 1);
    assert_eq!(onu(&world).0, "Sem Cadastro");
}

#[rstest]
#[case("4857544361DE3C1A")]
#[case("HWTC-61DE3C1A")]
#[case("48575443-61DE3C1A")]
#[case("4857544361DE3C1A (HWTC-61DE3C1A)")]
#[tokio::test]
async fn a_serial_number_in_another_notation_is_the_same(#[case] serial: &str) {
    let world = with_onu().await;
    let row = |serial: &str| json!({"gpon_client_id": 147, "rx_power": -20.0, "serial_number": serial});
    world.sandbox.int6().set_row("147", row(serial));
    assert_eq!(world.sync().await.counts.changed, 0, "no difference");
    world.sandbox.ozmap().add_client(TestClient::new("148").potency_read(-20.0));
    world
        .sandbox
        .int6()
        .set_row("148", json!({"gpon_client_id": 148, "rx_power": -20.0, "serial_number": serial}));
    world.sandbox.int6().set_row("147", row("FHTT00000001"));
    world.sync().await;
    let of_148 = world.sandbox.ozmap().client("148").expect("the client")["onu"]["serial_number"].clone();
    assert_eq!((onu(&world).1.as_str(), of_148), ("FHTT00000001", json!("HWTC61DE3C1A")));
}

#[tokio::test]
async fn what_is_not_understood_in_an_onu_is_told_and_costs_only_itself() {
    let world = with_onu().await;
    let row = json!({"gpon_client_id": 147, "rx_power": -23.5, "pppoe_username": 5_551_234, "serial_number": "HWTC6", "mac_address": [1]});
    world.sandbox.int6().set_row("147", row);
    let report = world.sync().await;
    assert_eq!(
        (report.state, report.counts.unclear_field, report.counts.unreadable),
        (RunState::Finished, 2, 0)
    );
    assert_eq!(world.held("147").0, json!(-23.5));
    assert!(same(&onu(&world), ("5551234", ONU.1, ONU.2)));
    let findings = world.store.findings(report.id, FindingFilter::default(), None, 10).await.expect("read");
    for field in ["`serial_number`", "`mac_address`"] {
        assert!(
            findings.iter().any(|f| f.code.as_deref() == Some("147")
                && f.detail.starts_with(field)
                && !f.detail.contains("HWTC6")),
            "{findings:?}"
        );
    }
}

#[tokio::test]
async fn a_factory_mac_leaves_no_client_without_its_power() {
    let world = World::empty().await;
    for n in 1..=30 {
        let code = n.to_string();
        world.client(&code);
        let row = json!({"gpon_client_id": n, "rx_power": -21.0 - f64::from(n) / 100.0, "serial_number": format!("FHTT{n:08}"), "mac_address": "94:e3:ee:0e:10:55"});
        world.sandbox.int6().set_row(&code, row);
    }
    let report = world.sync().await;
    assert_eq!((report.counts.matched, report.counts.duplicates), (30, 1));
    for n in 1..=30 {
        let client = world.sandbox.ozmap().client(&n.to_string()).expect("the client");
        assert_eq!(world.held(&n.to_string()).0, json!(-21.0 - f64::from(n) / 100.0));
        assert_ne!(client["onu"]["mac_address"], "94:e3:ee:0e:10:55", "it is nobody's");
    }
}

#[tokio::test]
async fn every_client_that_is_left_out_is_named() {
    let world = World::empty().await;
    for n in 1..=12 {
        let code = n.to_string();
        world.client(&code);
        world.sandbox.int6().set_row(
            &code,
            json!({"gpon_client_id": n, "rx_power": -25, "mac_address": "94:e3:ee:0e:10:55"}),
        );
    }
    let report = world.sync().await;
    assert_eq!((report.counts.matched, world.writes()), (0, 0));
    let findings = world.store.findings(report.id, FindingFilter::default(), None, 100).await.expect("read");
    for n in 1..=12 {
        let code = n.to_string();
        let own = |f: &&int6_ozmap_gateway::store::FindingRow| {
            f.code.as_deref() == Some(&code) && f.detail.starts_with("not compared: ")
        };
        assert_eq!(findings.iter().filter(own).count(), 1, "{code}: {findings:?}");
    }
}

#[rstest]
#[case("2026-11-20 10:03:11 -0300", "2026-11-20 09:03:11 -0300")]
#[case("2026-11-20 10:03:11 UTC", "2026-11-20 09:03:11 UTC")]
#[case("20/11/2026 10:03:11", "19/11/2026 22:03:11")]
#[case("Fri, 20 Nov 2026 10:03:11 GMT", "Fri, 20 Nov 2026 09:03:11 GMT")]
#[case("1795179791", "1795179790")]
#[tokio::test]
async fn of_two_rows_the_newest_counts_whoever_wrote_the_times(#[case] newer: &str, #[case] older: &str) {
    let world = World::empty().await;
    world.client("147");
    let row = |power: f64, at: &str| json!({"gpon_client_id": 147, "rx_power": power, "updated_at": at});
    world.sandbox.int6().set_row("147", row(-22.0, newer));
    world.sandbox.int6().push_row(row(-30.0, older));
    let report = world.sync().await;
    assert_eq!((report.counts.duplicates, world.held("147").0), (1, json!(-22.0)));
}
