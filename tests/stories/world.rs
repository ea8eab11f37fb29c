//! A world of its own for each test: both systems, and a gateway on a database in a temporary folder.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::sync::{Fields, Mode, Rails, Trigger};
use gateway_sandbox::{Options, Sandbox, TestClient};
use int6_ozmap_gateway::app;
use int6_ozmap_gateway::config::{Config, Purpose};
use int6_ozmap_gateway::store::{ChangeFilter, Process, Store};
use int6_ozmap_gateway::sync::{Engine, Observer, Progress, Report};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub struct World {
    pub sandbox: Sandbox,
    pub store: Store,
    pub stop: CancellationToken,
    folder: tempfile::TempDir,
    extra: Vec<(String, String)>,
}

pub const KEY: &str = "the-key-of-the-gateway";

impl World {
    /// Both systems without a single client.
    pub async fn empty() -> World {
        World::new(Options { clients: 20, messy: false, ..Options::default() }, true).await
    }

    /// A town in which both systems agree.
    pub async fn town(clients: usize) -> World {
        World::new(Options { clients, messy: false, ..Options::default() }, false).await
    }

    pub async fn new(options: Options, cleared: bool) -> World {
        // A second test in one process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(options).await.expect("loopback can be bound");
        if cleared {
            sandbox.ozmap().clear();
            sandbox.int6().clear();
        }
        sandbox.ozmap().calls().record(true);
        sandbox.int6().calls().record(true);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&url(&folder)).await.expect("a new database");
        World { sandbox, store, stop: CancellationToken::new(), folder, extra: Vec::new() }
    }

    /// Adds a setting, as an environment variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.extra.retain(|(other, _)| other != name);
        self.extra.push((name.to_owned(), value.to_owned()));
    }

    /// A client in order on both sides: −20.00 dBm, OK, implanted.
    pub fn client(&self, code: &str) {
        self.sandbox.ozmap().add_client(TestClient::new(code).potency_read(-20.0));
        self.reading(code, json!(-20.0));
    }

    /// INT6's row for a client: nothing but this reading.
    pub fn reading(&self, code: &str, power: Value) {
        self.sandbox.int6().set_row(code, json!({ "gpon_client_id": number(code), "rx_power": power }));
    }

    /// What OZmap holds of a client: read power, status, implantation.
    pub fn held(&self, code: &str) -> (Value, Value, Value) {
        let client = self.sandbox.ozmap().client(code).expect("OZmap has the client");
        let property = self.sandbox.ozmap().property_of(code).expect("the client has a property");
        (property["potencyRead"].clone(), client["status"].clone(), client["implanted"].clone())
    }

    pub fn settings(&self) -> Vec<(String, String)> {
        let sandbox = &self.sandbox;
        let own = [
            ("GATEWAY_LISTEN", "127.0.0.1:0".to_owned()),
            ("GATEWAY_API_KEY", KEY.to_owned()),
            ("DATABASE_URL", url(&self.folder)),
            ("SYNC_INTERVAL_SECONDS", "0".to_owned()),
            ("OZMAP_URL", sandbox.ozmap_url()),
            ("OZMAP_API_KEY", sandbox.ozmap_key()),
            ("INT6_URL", sandbox.int6_url()),
            ("INT6_EMAIL", sandbox.int6_email()),
            ("INT6_TOKEN", sandbox.int6_token()),
        ];
        let kept = own.into_iter().filter(|(name, _)| !self.extra.iter().any(|(other, _)| other == name));
        kept.map(|(name, value)| (name.to_owned(), value)).chain(self.extra.clone()).collect()
    }

    /// The settings, with pauses so short that a test does not wait for them.
    pub fn config(&self) -> Config {
        let mut config = Config::load(self.settings(), None, Purpose::Serve).expect("good settings");
        for tenant in &mut config.tenants {
            tenant.ozmap_host.retry_pause = Duration::from_millis(2);
            tenant.int6_host.retry_pause = Duration::from_millis(2);
        }
        config
    }

    pub fn engine(&self) -> Engine {
        let config = self.config();
        app::engine(&config.tenants[0], &self.store, &Process::current(), &self.stop).expect("an engine")
    }

    /// One run that applies its plan.
    pub async fn sync(&self) -> Report {
        self.run(&self.engine(), Mode::Apply, Rails::Hold).await
    }

    pub async fn dry_run(&self) -> Report {
        self.run(&self.engine(), Mode::DryRun, Rails::Hold).await
    }

    pub async fn forced(&self) -> Report {
        self.run(&self.engine(), Mode::Apply, Rails::Forced(Fields::ALL)).await
    }

    pub async fn run(&self, engine: &Engine, mode: Mode, rails: Rails) -> Report {
        let observer: Observer = Arc::new(|_: Progress<'_>| ());
        engine.run(Trigger::Cli, mode, rails, &observer).await.expect("the run is recorded")
    }

    /// A run's changes as people read them: `147 read_power -20.0 -> -21.53 applied`.
    pub async fn changes(&self, report: &Report) -> Vec<String> {
        let rows =
            self.store.changes(report.id, &ChangeFilter::default(), None, 1_000_000).await.expect("read");
        let line = |row: int6_ozmap_gateway::store::ChangeRow| {
            format!("{} {} {} -> {} {}", row.code, row.field, row.old_value, row.new_value, row.result)
        };
        rows.into_iter().map(line).collect()
    }

    /// A person's edit in OZmap of a client record.
    pub async fn edit_client(&self, code: &str, body: Value) {
        let id = self.sandbox.ozmap().client(code).expect("a client")["id"].clone();
        let url = format!("{}/api/v2/ftth-clients/{}", self.sandbox.ozmap_url(), id.as_str().expect("an id"));
        let request = reqwest::Client::new().patch(url).header("authorization", self.sandbox.ozmap_key());
        let answer = request.json(&body).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 204);
    }

    /// Makes a run so many hours older.
    pub async fn backdate(&self, run: Uuid, hours: i64) {
        let path = self.folder.path().join("gateway.db");
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
        let sql =
            format!("UPDATE runs SET started_at = '{at:.3}', finished_at = '{at:.3}' WHERE id = '{run}'");
        sqlx::any::install_default_drivers();
        let pool =
            sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.expect("the database");
        let done = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pool).await.expect("the run is there");
        assert_eq!(done.rows_affected(), 1);
        pool.close().await;
    }

    pub fn database_url(&self) -> String {
        url(&self.folder)
    }

    /// Writes that reached OZmap.
    pub fn writes(&self) -> usize {
        self.sandbox.ozmap().calls().writes().len()
    }
}

fn url(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}", folder.path().join("gateway.db").display())
}

fn number(code: &str) -> Value {
    code.parse::<u64>().map_or_else(|_| json!(code), |code| json!(code))
}
