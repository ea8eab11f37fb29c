//! Batches and single records, by the writer itself: what is read back, remembered and given back.

use std::time::Duration;

use gateway_core::sync::{FieldValue, Record, SharedValue};
use gateway_core::{Client, ClientCode, Dbm, Implantation, Onu, RecordId, Status, SyncedClient, System};
use gateway_sandbox::{Fault, FilterManner, Options, OzmapManners, Sandbox, TestClient, WriteManner};
use int6_ozmap_gateway::ozmap::{FreshRecord, Ozmap, RecordKind, WriteError, Writer};
use int6_ozmap_gateway::upstream::{CallError, HostSettings, Kind, Upstream};
use rstest::rstest;
use secrecy::SecretString;

/// Twenty clients of −20.00 dBm in status Error who are not implanted, and a gateway's OZmap.
struct Scene {
    sandbox: Sandbox,
    ozmap: Ozmap,
    clients: Vec<SyncedClient>,
}

const NEW: f64 = -21.53;

impl Scene {
    async fn open(manners: OzmapManners) -> Scene {
        // A second test in one process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options { clients: 20, messy: false, ..Options::default() };
        let sandbox = Sandbox::start(options).await.expect("loopback can be bound");
        sandbox.ozmap().clear();
        let mut clients = Vec::new();
        for code in 1..=20 {
            let client = TestClient::new(&code.to_string()).potency_read(-20.0).status(1).implanted(false);
            let added = sandbox.ozmap().add_client(client);
            clients.push(synced(&code.to_string(), &added.client_id, &added.property_id));
        }
        sandbox.ozmap().calls().record(true);
        sandbox.ozmap().set_manners(manners);
        let ozmap = ozmap(&sandbox, sandbox.ozmap_key());
        Scene { sandbox, ozmap, clients }
    }

    /// Sets a power on the first clients; the others are outside.
    async fn set(&self, writer: &Writer, power: f64, inside: usize) -> Result<(), WriteError> {
        let ids = self.clients[..inside].iter().filter_map(|client| client.property.as_ref());
        let value = SharedValue::ReadPower(Dbm::from_f64(power).expect("a power"));
        writer.set(value, &ids.collect::<Vec<_>>(), &self.clients[inside..]).await
    }

    fn power(&self, code: &str) -> f64 {
        let property = self.sandbox.ozmap().property_of(code).expect("a property");
        property["potencyRead"].as_f64().expect("a power")
    }

    fn batches(&self) -> u64 {
        self.sandbox.ozmap().calls().counts().batch_updates
    }

    fn reads(&self) -> u64 {
        self.sandbox.ozmap().calls().counts().reads
    }
}

fn ozmap(sandbox: &Sandbox, key: String) -> Ozmap {
    let base = sandbox.ozmap_url().parse().expect("a URL");
    let settings = HostSettings { retry_pause: Duration::from_millis(1), ..HostSettings::new(base) };
    let upstream = Upstream::new(System::Ozmap, &settings).expect("an HTTP client");
    Ozmap::new(upstream, SecretString::from(key), 100)
}

fn synced(code: &str, client: &str, property: &str) -> SyncedClient {
    let id = |text: &str| RecordId::new(text).expect("an identifier");
    let client = Client {
        id: id(client),
        code: ClientCode::new(code).expect("a code"),
        status: Some(Status::Error),
        implantation: Implantation::NotImplanted,
        onu: Onu::default(),
        onu_known: true,
    };
    SyncedClient { client, property: Some(id(property)), read_power: Dbm::from_f64(-20.0).ok() }
}

fn filters(filters: FilterManner) -> OzmapManners {
    OzmapManners { filters, ..OzmapManners::default() }
}

#[tokio::test]
async fn the_first_batch_of_a_route_is_read_back_and_the_next_is_not() {
    let scene = Scene::open(OzmapManners::default()).await;
    let writer = scene.ozmap.writer();
    assert_eq!(writer.batching(), [("properties", "untried"), ("ftth-clients", "untried")]);
    scene.set(&writer, NEW, 5).await.expect("written");
    assert_eq!((scene.power("5"), scene.power("6"), writer.reads(), writer.writes()), (NEW, -20.0, 2, 1));
    scene.set(&writer, -22.0, 5).await.expect("written");
    assert_eq!((writer.reads(), writer.writes()), (2, 2));
    assert_eq!(writer.batching(), [("properties", "works"), ("ftth-clients", "untried")]);
}

#[tokio::test]
async fn without_anybody_outside_the_next_batch_with_somebody_is_read_back_too() {
    let scene = Scene::open(OzmapManners::default()).await;
    let writer = scene.ozmap.writer();
    scene.set(&writer, NEW, 20).await.expect("written");
    scene.set(&writer, -22.0, 20).await.expect("written");
    assert_eq!(writer.reads(), 2, "nothing more can be seen");
    scene.set(&writer, -23.0, 5).await.expect("written");
    scene.set(&writer, -24.0, 5).await.expect("written");
    assert_eq!(writer.reads(), 3);
}

#[rstest]
#[case::power(SharedValue::ReadPower(Dbm::from_f64(NEW).expect("a power")))]
#[case::status(SharedValue::Status(Status::Ok))]
#[case::implantation(SharedValue::Implanted)]
#[tokio::test]
async fn a_host_that_ignores_the_filter_of_a_batch_gets_one_and_everybody_outside_is_restored(
    #[case] value: SharedValue,
) {
    let scene = Scene::open(filters(FilterManner::IgnoredByBatchUpdate)).await;
    let before: Vec<_> = (6..=20).map(|code| scene.sandbox.ozmap().client(&code.to_string())).collect();
    let writer = scene.ozmap.writer();
    let id = |synced: &SyncedClient| match value {
        SharedValue::ReadPower(_) => synced.property.clone().expect("a property"),
        SharedValue::Status(_) | SharedValue::Implanted => synced.client.id.clone(),
    };
    let ids: Vec<RecordId> = scene.clients.iter().map(id).collect();
    let inside: Vec<&RecordId> = ids[..5].iter().collect();
    let error = writer.set(value, &inside, &scene.clients[5..]).await.expect_err("others were changed");
    let WriteError::FilterIgnored { changed, restored } = error else { panic!("{error}") };
    assert_eq!((changed, restored, scene.batches()), (15, 15, 1));
    assert!((6..=20).all(|code| scene.power(&code.to_string()) == -20.0));
    let after: Vec<_> = (6..=20).map(|code| scene.sandbox.ozmap().client(&code.to_string())).collect();
    for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
        assert_eq!((&before["status"], &before["implanted"]), (&after["status"], &after["implanted"]));
    }
    assert!(writer.lacks_batch(value));
    let again = writer.set(value, &inside, &scene.clients[5..]).await;
    assert!(matches!(again, Err(WriteError::NoBatch)) && scene.batches() == 1);
}

#[rstest]
#[case::forbidden(FilterManner::Forbidden)]
#[case::a_page(FilterManner::HtmlPage)]
#[tokio::test]
async fn a_firewall_that_dislikes_filters_is_met_once_for_all_routes(#[case] manner: FilterManner) {
    let scene = Scene::open(filters(manner)).await;
    let writer = scene.ozmap.writer();
    for _ in 0..3 {
        assert!(matches!(scene.set(&writer, NEW, 5).await, Err(WriteError::NoBatch)));
    }
    assert_eq!((scene.batches(), scene.reads()), (0, 3), "two tries of a filter, and a question without one");
    assert!(writer.lacks_batch(SharedValue::Implanted));
    let ids: Vec<RecordId> = scene.clients.iter().map(|client| client.client.id.clone()).collect();
    let now = writer.fresh().records_now(RecordKind::Client, &ids).await.expect("one by one");
    assert_eq!((now.len(), scene.reads()), (20, 23));
}

#[tokio::test]
async fn a_refused_key_is_no_firewall() {
    let scene = Scene::open(OzmapManners::default()).await;
    let ozmap = ozmap(&scene.sandbox, "another key".to_owned());
    let writer = ozmap.writer();
    let error = scene.set(&writer, NEW, 5).await.expect_err("refused");
    assert!(matches!(&error, WriteError::Call(CallError { kind: Kind::Unauthorized { .. }, .. })), "{error}");
    assert!(!writer.lacks_batch(SharedValue::Implanted));
}

#[rstest]
#[case(404)]
#[case(405)]
#[case(501)]
#[tokio::test]
async fn a_missing_batch_update_is_asked_for_again_after_a_while(#[case] status: u16) {
    let scene = Scene::open(OzmapManners::default()).await;
    let ozmap = scene.ozmap.clone().forgetting_after(Duration::ZERO);
    let (patient, hasty) = (scene.ozmap.writer(), ozmap.writer());
    for writer in [&patient, &hasty] {
        scene.sandbox.ozmap().faults().fail_route("POST /properties/batch-update", 1, Fault::Status(status));
        assert!(matches!(scene.set(writer, NEW, 5).await, Err(WriteError::NoBatch)));
    }
    assert!(matches!(scene.set(&patient, NEW, 5).await, Err(WriteError::NoBatch)));
    assert_eq!(patient.batching()[0], ("properties", "missing"));
    scene.set(&hasty, NEW, 5).await.expect("it is there again");
    assert_eq!(hasty.batching()[0], ("properties", "works"));
}

#[rstest]
#[case::a_page(WriteManner::HtmlPage, "it is an HTML page")]
#[case::an_error(WriteManner::ErrorWith200, "it said: no permission")]
#[tokio::test]
async fn an_answer_that_is_no_answer_is_not_applied_and_not_asked_for_again(
    #[case] writes: WriteManner,
    #[case] expected: &str,
) {
    let scene = Scene::open(OzmapManners { writes, ..OzmapManners::default() }).await;
    let writer = scene.ozmap.writer();
    let record = Record::Client(scene.clients[0].client.id.clone());
    let error = writer.patch(&record, [FieldValue::Implant].iter()).await.expect_err("not applied");
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(writer.writes(), 1);
    assert!(matches!(scene.set(&writer, NEW, 5).await, Err(WriteError::NoBatch)));
    assert_eq!(scene.power("1"), -20.0);
}

#[tokio::test]
async fn a_record_in_the_answer_is_one_too() {
    let scene = Scene::open(OzmapManners { writes: WriteManner::Record, ..OzmapManners::default() }).await;
    let writer = scene.ozmap.writer();
    let record = Record::Client(scene.clients[0].client.id.clone());
    writer.patch(&record, [FieldValue::Implant].iter()).await.expect("applied");
    scene.set(&writer, NEW, 5).await.expect("applied");
    assert_eq!(scene.power("1"), NEW);
}

#[tokio::test]
async fn a_batch_that_changes_nothing_is_not_believed() {
    let scene = Scene::open(OzmapManners { writes: WriteManner::Nothing, ..OzmapManners::default() }).await;
    let writer = scene.ozmap.writer();
    assert!(matches!(scene.set(&writer, NEW, 5).await, Err(WriteError::NoBatch)));
    assert_eq!(scene.batches(), 1);
}

#[rstest]
#[case::by_filter(FilterManner::Honoured, 2)]
#[case::one_by_one(FilterManner::IgnoredByLists, 2 + 19)]
#[tokio::test]
async fn records_are_read_as_they_are_now_and_those_that_are_gone_are_not_there(
    #[case] manner: FilterManner,
    #[case] reads: u64,
) {
    let scene = Scene::open(filters(manner)).await;
    let fresh = scene.ozmap.fresh();
    assert!(fresh.records_now(RecordKind::Client, &[]).await.expect("nothing").is_empty());
    scene.sandbox.ozmap().remove_client("7");
    scene.sandbox.ozmap().set_potency_read("8", Some(-23.4));
    let ids: Vec<RecordId> = scene.clients[1..].iter().filter_map(|client| client.property.clone()).collect();
    let now = fresh.records_now(RecordKind::Property, &ids).await.expect("read");
    assert_eq!((now.len(), fresh.calls()), (18, reads));
    let id = scene.clients[7].property.clone().expect("a property");
    let read_power = Dbm::from_f64(-23.4).ok();
    assert_eq!(now.get(&id), Some(&FreshRecord::Property { id, read_power }));
    let one =
        fresh.records_now(RecordKind::Client, &[scene.clients[0].client.id.clone()]).await.expect("read");
    assert!(matches!(one.values().next(), Some(FreshRecord::Client(client)) if client.code.as_str() == "1"));
}
