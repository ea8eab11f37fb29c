//! What an ISP may switch: single fields or every write off, the status of INT6's words, the key by which clients are matched,
//! OZmap's projects.

use gateway_core::ClientCode;
use gateway_core::sync::RunState;
use gateway_sandbox::{OzmapManners, TestClient};
use int6_ozmap_gateway::app;
use int6_ozmap_gateway::mirror::{Mirror, MirrorDeps};
use int6_ozmap_gateway::store::FindingFilter;
use rstest::rstest;
use serde_json::{Value, json};

use crate::technician::{Network, Technician, said};
use crate::world::World;

fn everything() -> FindingFilter {
    FindingFilter::default()
}

fn code(code: &str) -> ClientCode {
    ClientCode::new(code).expect("a code")
}

/// One client of whom every field would change.
async fn one() -> World {
    let world = World::empty().await;
    world.sandbox.ozmap().add_client(TestClient::new("147").potency_read(-20.0).status(1).implanted(false));
    let row = json!({"gpon_client_id": 147, "rx_power": -21.5, "pppoe_username": "maria.147"});
    world.sandbox.int6().set_row("147", row);
    world
}

#[rstest]
#[case("SYNC_READ_POWER", "read_power")]
#[case("SYNC_STATUS", "status")]
#[case("SYNC_IMPLANTATION", "implantation")]
#[case("SYNC_ONU", "onu")]
#[tokio::test]
async fn a_field_that_is_switched_off_is_neither_planned_nor_written(
    #[case] setting: &str,
    #[case] field: &str,
) {
    let mut world = one().await;
    world.set(setting, "off");
    let report = world.sync().await;
    let fields: Vec<&str> = report.notes.fields.iter().map(|counts| counts.field.as_str()).collect();
    let expected: Vec<&str> =
        ["read_power", "status", "implantation", "onu"].into_iter().filter(|other| *other != field).collect();
    assert_eq!((report.state, fields), (RunState::Finished, expected));
    let (power, status, implanted) = world.held("147");
    let user = world.sandbox.ozmap().client("147").expect("a client")["onu"]["user_PPPoE"].clone();
    let held =
        [power == json!(-20.0), status == json!(1), implanted == json!(false), user != json!("maria.147")];
    let names = ["read_power", "status", "implantation", "onu"];
    assert_eq!(held, names.map(|name| name == field), "only {field} is as it was");
}

#[tokio::test]
async fn a_tenant_that_is_read_only_writes_nothing_whoever_asks() {
    let mut world = one().await;
    world.set("GATEWAY_READ_ONLY", "true");
    let report = world.forced().await;
    assert_eq!((report.state, report.counts.changed, world.writes()), (RunState::Finished, 1, 0));
    let technician = Technician::over(world).await;
    let splitter = technician.network.ctos[0].clone();
    let body = json!({"splitter_id": splitter, "port": 1});
    let begun = technician.ask(reqwest::Method::POST, "/v1/sync-runs").send().await.expect("an answer");
    assert_eq!(said(begun, 202).await["dry_run"], true, "every run is a dry one");
    let plan = json!({"plan": report.id});
    let refused = [
        technician.activate("147", body.clone()).await,
        technician.create("148", body).await,
        technician.ask(reqwest::Method::POST, "/v1/clients/147/sync").send().await.expect("an answer"),
        technician.ask(reqwest::Method::POST, "/v1/sync-runs").json(&plan).send().await.expect("an answer"),
    ];
    for answer in refused {
        let problem: Value = said(answer, 403).await;
        assert_eq!(problem["code"], "read_only", "{problem}");
    }
    assert_eq!(technician.world.writes(), 0);
}

#[rstest]
#[case("POWER_FAIL", 1, 1)]
#[case(" power_fail ", 0, 0)]
#[case("warning", 1, 0)]
#[case("Aten\u{e7}\u{e3}o", 1, 0)]
#[case("LOS", 0, 1)]
#[case("critical", 0, 1)]
#[tokio::test]
async fn a_word_does_to_the_status_what_the_settings_say_and_measures_nothing(
    #[case] word: &str,
    #[case] before: u8,
    #[case] after: u8,
) {
    let mut world = World::empty().await;
    world.set("SYNC_STATUS_OF", "power_fail=keep, warning=ok, atencao=ok, los=error");
    let client = TestClient::new("147").potency_read(-20.0).status(before).implanted(false);
    world.sandbox.ozmap().add_client(client);
    world.reading("147", json!({"text": word}));
    let report = world.sync().await;
    assert_eq!(world.held("147"), (json!(-20.0), json!(after), json!(false)));
    let counts = report.counts;
    assert_eq!((counts.changed, counts.absent), (u64::from(before != after), 0));
    assert_eq!(world.store.findings(report.id, everything(), None, 100).await.expect("read").len(), 0);
}

/// Two clients whose codes say nothing, with a row of INT6 each that has no code.
async fn by_key(match_by: &str) -> World {
    let mut world = World::empty().await;
    world.set("SYNC_MATCH_BY", match_by);
    let onus = [("maria", "FHTT00000001", "94e3ee000001"), ("Joao.2 ", "FHTT-00000002", "94-E3-EE-00-00-02")];
    for (code, (user, serial, mac)) in ["A-1", "A-2"].into_iter().zip(onus) {
        world.sandbox.ozmap().add_client(TestClient::new(code).potency_read(-20.0).onu(user, serial, mac));
    }
    world
}

#[rstest]
#[case("serial", "serial_number", ["fhtt00000001", "4648545400000002"])]
#[case("mac", "mac_address", ["94:E3:EE:00:00:01", "94e3.ee00.0002"])]
#[case("pppoe", "pppoe_username", ["MARIA", "joao.2"])]
#[tokio::test]
async fn clients_are_matched_by_what_the_settings_say_and_that_is_not_written(
    #[case] match_by: &str,
    #[case] field: &str,
    #[case] keys: [&str; 2],
) {
    let world = by_key(match_by).await;
    let onus =
        || ["A-1", "A-2"].map(|code| world.sandbox.ozmap().client(code).expect("a client")["onu"].clone());
    let before = onus();
    for (key, power) in keys.into_iter().zip([-21.0, -22.0]) {
        world.sandbox.int6().push_row(json!({field: key, "rx_power": power}));
    }
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.matched, report.counts.unreadable), (RunState::Finished, 2, 0));
    assert_eq!((world.held("A-1").0, world.held("A-2").0), (json!(-21.0), json!(-22.0)));
    assert_eq!(onus(), before);
    let again = world.sync().await;
    assert_eq!((again.counts.unchanged, again.counts.changed), (2, 0));
}

#[tokio::test]
async fn what_a_key_leaves_open_is_reported_and_never_guessed() {
    let mut world = by_key("serial").await;
    world.client("3");
    let twin = TestClient::new("A-4").potency_read(-20.0).onu("", "FHTT00000001", "");
    world.sandbox.ozmap().add_client(twin);
    for (code, serial) in [(3, "N/A"), (4, "FHTT00000001"), (5, "FHTT00000005")] {
        let row = json!({"gpon_client_id": code, "rx_power": -25.0, "serial_number": serial});
        world.sandbox.int6().set_row(&code.to_string(), row);
    }
    let report = world.sync().await;
    let findings = world.store.findings(report.id, everything(), None, 100).await.expect("read");
    let mut told: Vec<String> = findings
        .iter()
        .map(|row| format!("{} {}", row.kind, row.code.as_deref().unwrap_or_default()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "duplicate A-1",
            "duplicate A-4",
            "only_in_int6 5",
            "only_in_ozmap 3",
            "only_in_ozmap A-2",
            "unclear_field 3"
        ]
    );
    assert_eq!((report.counts.matched, world.writes()), (0, 0));
    world.set("SYNC_MATCH_BY", "code");
    assert_eq!(world.sync().await.counts.matched, 1, "by code it is client 3");
}

#[tokio::test]
async fn one_client_is_synced_by_its_key_if_that_is_its_own() {
    let world = by_key("serial").await;
    world.sandbox.int6().push_row(json!({"rx_power": -21.0, "serial_number": "FHTT00000001"}));
    let synced = world.engine().sync_one(&code("A-1")).await.expect("synced");
    assert_eq!((synced.report.state, world.held("A-1").0), (RunState::Finished, json!(-21.0)));
    let twin = TestClient::new("A-4").potency_read(-20.0).onu("", "FHTT00000001", "");
    world.sandbox.ozmap().add_client(twin);
    world.sandbox.int6().clear();
    world.sandbox.int6().push_row(json!({"rx_power": -23.0, "serial_number": "FHTT00000001"}));
    let synced = world.engine().sync_one(&code("A-1")).await.expect("a run");
    assert_eq!((synced.report.counts.duplicates, world.held("A-1").0), (1, json!(-21.0)));
}

/// Client 1 in the town's project, 2 in a second one, 3 without a property; all three would be written. The projects' identifiers.
async fn two_projects() -> (World, [String; 2]) {
    let world = World::empty().await;
    let ozmap = world.sandbox.ozmap();
    let second = ozmap.add_project("Rede Norte");
    let first = ozmap.add_client(TestClient::new("1").potency_read(-20.0).status(1));
    let other = ozmap.add_client(TestClient::new("2").potency_read(-20.0).status(1));
    assert!(ozmap.put_into_project(&other.property_id, &second));
    ozmap.add_client_without_property(TestClient::new("3").status(1));
    for code in ["1", "2", "3"] {
        world.reading(code, json!(-21.0));
    }
    let property = ozmap.record_of(&first.property_id).expect("a property");
    let first = property["project"].as_str().expect("an identifier").to_owned();
    (world, [first, second])
}

#[rstest]
#[case::by_name("PROJECTS_INCLUDE", " rede norte ", &["2"])]
#[case::by_identifier("PROJECTS_INCLUDE", "{1}", &["2"])]
#[case::both("PROJECTS_INCLUDE", "{0}, Rede Norte", &["1", "2"])]
#[case::without_a_name("PROJECTS_EXCLUDE", "REDE NORTE", &["1", "3"])]
#[case::without_an_identifier("PROJECTS_EXCLUDE", "{1}", &["1", "3"])]
#[tokio::test]
async fn only_clients_in_the_tenants_projects_are_compared_and_reported(
    #[case] setting: &str,
    #[case] value: &str,
    #[case] synced: &[&str],
    #[values(false, true)] ignores_populate: bool,
) {
    let (mut world, [first, second]) = two_projects().await;
    world.set(setting, &value.replace("{0}", &first).replace("{1}", &second));
    world.sandbox.ozmap().set_manners(OzmapManners { ignores_populate, ..OzmapManners::default() });
    let report = world.sync().await;
    let status = |code: &str| world.sandbox.ozmap().client(code).expect("a client")["status"].clone();
    let written: Vec<&str> = ["1", "2", "3"].into_iter().filter(|code| status(code) == json!(0)).collect();
    assert_eq!((report.state, &written[..]), (RunState::Finished, synced));
    let counts = report.counts;
    assert_eq!((counts.ozmap_clients, counts.int6_readings), (synced.len() as u64, 3));
    assert_eq!((counts.only_in_int6, counts.only_in_ozmap, counts.unclear_field), (0, 0, 0));
    let elsewhere = ["1", "2"].into_iter().find(|code| !synced.contains(code));
    if let Some(elsewhere) = elsewhere {
        let refused = world.engine().sync_one(&code(elsewhere)).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("OZmap has no client of code")));
    }
}

#[tokio::test]
async fn where_projects_do_not_matter_nothing_more_is_asked_for() {
    let (mut world, [first, second]) = two_projects().await;
    let asked = async |world: &World| {
        world.sandbox.ozmap().calls().reset();
        world.sandbox.ozmap().calls().record(true);
        world.dry_run().await;
        let calls = world.sandbox.ozmap().calls().recorded();
        let is =
            |part: &str| calls.iter().filter(|c| format!("{}?{}", c.path, c.query).contains(part)).count();
        (calls.len(), is("project"), is("/projects"))
    };
    let (calls, named, listed) = asked(&world).await;
    assert_eq!((named, listed), (0, 0));
    world.set("PROJECTS_INCLUDE", &format!("{first},{second}"));
    let (with_identifiers, named, listed) = asked(&world).await;
    assert_eq!((with_identifiers, named > 0, listed), (calls, true, 0));
    world.set("PROJECTS_INCLUDE", "Rede Norte");
    assert_eq!(asked(&world).await.2, 1, "a list of names, once");
}

#[tokio::test]
async fn names_that_cannot_be_had_fail_the_run_and_name_the_setting() {
    let (mut world, [_, second]) = two_projects().await;
    let manners = OzmapManners { ignores_populate: true, hides_projects: true, ..OzmapManners::default() };
    world.sandbox.ozmap().set_manners(manners.clone());
    world.set("PROJECTS_EXCLUDE", "Rede Norte");
    let report = world.sync().await;
    assert_eq!((report.state, world.writes()), (RunState::Failed, 0));
    let why = report.error.expect("a reason");
    assert!(why.contains("list projects") && why.contains("`projects.exclude`"), "{why}");
    world.set("PROJECTS_EXCLUDE", &second);
    assert_eq!(world.sync().await.counts.matched, 2, "an identifier is enough");
    world.set("PROJECTS_EXCLUDE", "Rede Norte");
    world.sandbox.ozmap().set_manners(OzmapManners { ignores_populate: false, ..manners });
    assert_eq!(world.sync().await.counts.matched, 2, "and so is a name in the row");
}

#[tokio::test]
async fn a_misspelt_project_is_reported() {
    let (mut world, _) = two_projects().await;
    world.set("PROJECTS_EXCLUDE", "Rede Nort");
    let report = world.sync().await;
    let findings = world.store.findings(report.id, everything(), None, 100).await.expect("read");
    let unclear = findings.iter().filter(|row| row.kind == "unclear_field");
    let details: Vec<&str> = unclear.map(|row| row.detail.as_str()).collect();
    assert_eq!(details, ["`projects.exclude`: OZmap lists no project \"rede nort\""]);
}

#[rstest]
#[case::the_splitters_own("PROJECTS_EXCLUDE", "Rede Norte", true)]
#[case::the_boxes("PROJECTS_EXCLUDE", "rede norte", false)]
#[case::others_are_asked_for("PROJECTS_INCLUDE", "Porto Miragem", true)]
#[case::others_are_asked_for_by_the_box("PROJECTS_INCLUDE", "Porto Miragem", false)]
#[tokio::test]
async fn splitters_of_other_projects_are_neither_offered_nor_connected(
    #[case] setting: &str,
    #[case] value: &str,
    #[case] is_own: bool,
    #[values(false, true)] ignores_populate: bool,
) {
    let mut world = World::empty().await;
    world.set(setting, value);
    let ozmap = world.sandbox.ozmap();
    ozmap.set_manners(OzmapManners { ignores_populate, ..OzmapManners::default() });
    let network = Network::of(&world).await;
    let (left_out, offered) = (network.ctos[0].clone(), network.ctos[1].clone());
    let parent =
        ozmap.record_of(&left_out).expect("a splitter")["parent"].as_str().expect("a box").to_owned();
    let second = ozmap.add_project("Rede Norte");
    assert!(ozmap.put_into_project(if is_own { &left_out } else { &parent }, &second));
    if !is_own {
        assert!(ozmap.show_as(&left_out, json!({"project": null})));
    }
    let technician = Technician::over(world).await;
    let near = technician.get("/v1/splitters/nearby?lat=-26.5&lng=-44.2&radius_m=5000&limit=200").await;
    let ids: Vec<&str> = near["splitters"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|found| found["id"].as_str())
        .collect();
    assert!(ids.contains(&offered.as_str()) && !ids.contains(&left_out.as_str()), "{left_out} {near}");
    let body = |splitter: &str| json!({"splitter_id": splitter, "port": 1});
    for refused in
        [technician.activate("147", body(&left_out)).await, technician.create("148", body(&left_out)).await]
    {
        let problem = said(refused, 422).await;
        assert_eq!(problem["code"], "not_a_drop_splitter");
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains("projects.include") && detail.contains(&left_out), "{detail}");
    }
    assert_eq!(technician.world.writes(), 0);
    said(technician.activate("147", body(&offered)).await, 201).await;
}

#[tokio::test]
async fn a_mirror_that_was_saved_under_other_projects_is_left_aside() {
    let mut world = World::empty().await;
    let mirror = |world: &World| {
        let ozmap = app::upstreams(&world.config().tenants[0]).expect("good settings").ozmap;
        let (store, stop) = (world.store.clone(), world.stop.clone());
        Mirror::new(MirrorDeps { tenant: "default".to_owned(), ozmap, store, at_once: 4, stop })
    };
    let all = mirror(&world).refresh().await.expect("a load").stats().splitters;
    assert!(all > 0);
    world.set("PROJECTS_EXCLUDE", "Rede Norte");
    let restarted = mirror(&world);
    restarted.warm_up().await.expect("the store answers");
    assert!(restarted.network().is_none());
    restarted.refresh().await.expect("a load");
    let again = mirror(&world);
    again.warm_up().await.expect("the store answers");
    assert_eq!(again.network().map(|network| network.stats().splitters), Some(all));
}
