use super::*;

fn environment(extra: &[(&str, &str)]) -> Vec<(String, String)> {
    let needed = [
        ("GATEWAY_API_KEY", "a-key-of-the-gateway"),
        ("INT6_URL", "http://127.0.0.1:9001"),
        ("INT6_EMAIL", "gateway@isp.example"),
        ("INT6_TOKEN", "00123"),
        ("OZMAP_URL", "http://127.0.0.1:9090/api/v2/"),
        ("OZMAP_API_KEY", "ozmap-key"),
    ];
    let kept = needed.iter().filter(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    kept.chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load(extra: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    Config::load(environment(extra), None, Purpose::Serve).map_err(|mistakes| mistakes.0)
}

fn load_file(text: &str, environment: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("it can be written");
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(environment, Some(file.path().to_owned()), Purpose::Serve).map_err(|mistakes| mistakes.0)
}

#[test]
fn the_environment_alone_configures_one_tenant_with_the_documented_defaults() {
    use secrecy::ExposeSecret;
    let config = load(&[("GATEWAY_URL", "http://127.0.0.1:1"), ("GATEWAY_PORT", "tcp://10.0.0.1:80")])
        .expect("good settings");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database_url.expose_secret(), "sqlite://gateway.db");
    assert_eq!(config.keep_runs, SignedDuration::from_hours(90 * 24));
    let [tenant] = config.tenants.as_slice() else { panic!("one tenant") };
    assert_eq!(tenant.ozmap_host.base.as_str(), "http://127.0.0.1:9090/");
    assert_eq!(tenant.int6.credentials.token.expose_secret(), "00123", "a secret is no number");
    assert_eq!(
        (tenant.int6.page_size, tenant.ozmap_page_size, tenant.ozmap_host.max_in_flight),
        (500, 500, 8)
    );
    assert_eq!(tenant.sync_interval, Some(Duration::from_secs(600)));
    assert_eq!(tenant.allowed_ips, loopback());
    assert_eq!(tenant.limits, Limits::default());
    assert_eq!(tenant.key_sha256, Some(hash_of_key("a-key-of-the-gateway")));
}

#[test]
fn all_mistakes_are_told_at_once_and_named() {
    let mistakes = load(&[
        ("GATEWAY_LISTEN", "everywhere"),
        ("INT6_URL", "autoisp.example"),
        ("INT6_PAGE_SIZE", "0"),
        ("INT6_AUTH", "basic"),
        ("OZMAP_API_KEY", ""),
        ("SYNC_INTERVAL_SECOND", "5"),
        ("SYNC_PLAUSIBLE_MIN_DBM", "-39"),
        ("GATEWAY_ALLOWED_IPS", "10.0.0.0/8, here"),
        ("INT6_TIME_ZONE", "Mars/Base"),
    ])
    .expect_err("bad settings");
    let expected = [
        "SYNC_INTERVAL_SECOND is no setting",
        "GATEWAY_LISTEN (`listen` in the file) is \"everywhere\"",
        "GATEWAY_ALLOWED_IPS",
        "INT6_URL (`int6.url` in the file) is no URL",
        "INT6_AUTH",
        "INT6_PAGE_SIZE (`int6.page_size` in the file) is \"0\", but a whole number from 1 to 5000 is expected",
        "INT6_TIME_ZONE",
        "OZMAP_API_KEY (`ozmap.api_key` in the file) is missing",
        "SYNC_PLAUSIBLE_MAX_DBM",
    ];
    assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
    for (mistake, expected) in mistakes.iter().zip(expected) {
        assert!(mistake.contains(expected), "{mistake} / {expected}");
    }
}

#[test]
fn a_key_is_needed_to_serve_only() {
    let without: Vec<_> = environment(&[("GATEWAY_API_KEY", "")]);
    assert!(Config::load(without.clone(), None, Purpose::Once).is_ok());
    let mistakes = Config::load(without, None, Purpose::Serve).expect_err("no key");
    assert!(mistakes.to_string().contains("keygen"), "{mistakes}");
    assert!(load(&[("GATEWAY_API_KEY", "short")]).is_err());
}

#[test]
fn a_secret_may_stand_in_a_file_but_not_in_both_places() {
    use secrecy::ExposeSecret;
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), "from-a-file\n").expect("it can be written");
    let path = file.path().to_str().expect("a plain path");
    let config = load(&[("OZMAP_API_KEY", ""), ("OZMAP_API_KEY_FILE", path)]).expect("good settings");
    assert_eq!(config.tenants[0].ozmap_key.expose_secret(), "from-a-file");
    let mistakes = load(&[("OZMAP_API_KEY_FILE", path)]).expect_err("both");
    assert!(mistakes[0].contains("give one of them"), "{mistakes:?}");
    assert!(load(&[("OZMAP_API_KEY", ""), ("OZMAP_API_KEY_FILE", "/does/not/exist")]).is_err());
}

const TWO_TENANTS: &str = r#"
listen = "127.0.0.1:0"
[[tenant]]
name = "north"
api_key = "the-key-of-the-north"
allowed_ips = ["10.1.0.0/16", "192.0.2.7"]
int6 = { url = "http://127.0.0.1:1", email = "a@isp.example", token = "t", auth = "bearer", mac_field = "mac" }
ozmap = { url = "http://127.0.0.1:2", api_key = "k" }
sync = { interval_seconds = 0, plausible_min_dbm = -39.5, plausible_max_dbm = 10 }
[[tenant]]
name = "south"
api_key_sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
int6 = { url = "http://127.0.0.1:1", email = "a@isp.example", token = "t" }
ozmap = { url = "http://127.0.0.1:2", api_key = "k" }
"#;

#[test]
fn a_file_configures_many_tenants() {
    let config = load_file(TWO_TENANTS, &[("GATEWAY_LISTEN", "127.0.0.1:7")]).expect("good settings");
    assert_eq!(config.listen.port(), 7, "the environment goes before the file");
    let [north, south] = config.tenants.as_slice() else { panic!("two tenants") };
    assert_eq!((north.name.as_str(), north.allowed_ips.len(), north.sync_interval), ("north", 2, None));
    assert_eq!(north.int6.fields.mac, "mac");
    assert!(north.limits.plausible.is_some());
    assert_eq!((south.name.as_str(), south.key_sha256), ("south", Some([0; 32])));
}

#[test]
fn unknown_keys_and_contradictions_in_a_file_are_told() {
    let mistakes = load_file(&TWO_TENANTS.replace("mac_field", "mac_feild"), &[]).expect_err("a typo");
    assert!(mistakes[0].ends_with("`int6.mac_feild` is no setting"), "{mistakes:?}");
    let mistakes =
        load_file(TWO_TENANTS, &[("OZMAP_URL", "http://127.0.0.1:3")]).expect_err("a contradiction");
    assert!(mistakes[0].contains("contradicts the file"), "{mistakes:?}");
    let mistakes = load_file(&TWO_TENANTS.replace("south", "north"), &[]).expect_err("one name twice");
    assert_eq!(mistakes, ["two tenants have one name"]);
    let mistakes = load_file("listen = \"secret", &[]).expect_err("not TOML");
    assert!(mistakes[0].contains("line 1") && !mistakes[0].contains("secret"), "{mistakes:?}");
    assert!(load_file("tenant = 5", &[]).is_err());
}
