use std::collections::HashSet;

use gateway_core::{PowerReading, Project, WordStatus};
use rstest::rstest;
use secrecy::ExposeSecret;

use super::setting::Fault;
use super::*;
use crate::key::hash_of_key;

mod documents;
mod keys;
mod webhooks;

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
    assert_eq!(tenant.allowed_ips, ["127.0.0.0/8", "::1/128"].map(|block| block.parse().expect("a block")));
    assert_eq!(tenant.requests_per_minute, NonZeroU32::new(600_000));
    assert_eq!(tenant.provisioning.power_cache, Duration::from_secs(30));
    assert_eq!(tenant.provisioning.answer_within, Duration::from_secs(20));
    assert_eq!(tenant.grouping, Grouping::ByValue { largest: 2_000 });
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
    assert!(north.rules.plausible.is_some());
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

/// What the parts take for themselves, where no settings are read.
#[test]
fn the_tables_defaults_are_those_of_the_parts() {
    let config = load(&[]).expect("good settings");
    let [tenant] = config.tenants.as_slice() else { panic!("one tenant") };
    assert_eq!((tenant.rules.clone(), tenant.limits.clone()), (Rules::default(), Limits::default()));
    let debug = |value: &dyn std::fmt::Debug| format!("{value:?}");
    assert_eq!(debug(&tenant.int6.fields), debug(&int6::wire::Fields::default()));
    let host = upstream::HostSettings::new(tenant.int6_host.base.clone());
    let secrets = tenant.int6_host.secrets.clone();
    assert_eq!(debug(&tenant.int6_host), debug(&upstream::HostSettings { secrets, ..host }));
}

#[test]
fn every_row_has_names_of_its_own_a_watched_prefix_and_a_good_default() {
    let rows = table::names().count();
    let keys: HashSet<_> = table::names().map(|name| name.toml).collect();
    let variables: Vec<_> = table::names().filter_map(|name| name.env).collect();
    assert_eq!((keys.len(), variables.iter().collect::<HashSet<_>>().len()), (rows, variables.len()));
    for variable in variables {
        let is_watched = source::PREFIXES.iter().any(|prefix| variable.starts_with(prefix));
        assert!(is_watched, "a misspelt {variable} would pass unseen");
    }
    for setting in table::ALL {
        match setting.check(None) {
            Ok(()) => (),
            Err(Fault::Missing) => assert_eq!(setting.default(), None, "{:?}", setting.name()),
            Err(fault) => panic!("the default of {:?} {fault}", setting.name()),
        }
    }
}

#[test]
fn a_number_beyond_its_range_is_refused_by_name() {
    let range = regex::Regex::new(r"a whole number from (\d+) to (\d+)$").expect("a pattern");
    let mut tried = 0;
    for setting in table::ALL {
        let Err(Fault::Unexpected { expected, .. }) = setting.check(Some("x")) else { continue };
        let Some(found) = range.captures(&expected) else { continue };
        let end = |i: usize| found[i].parse::<i128>().expect("a number");
        for within in [end(1), end(2)] {
            assert!(setting.check(Some(&within.to_string())).is_ok(), "{within}, {:?}", setting.name());
        }
        for beyond in [end(1) - 1, end(2) + 1].map(|beyond| beyond.to_string()) {
            let why = format!("is \"{beyond}\", but {expected} is expected");
            assert_eq!(setting.check(Some(&beyond)).expect_err("it is beyond").to_string(), why);
            let setting::Name { env: Some(env), toml, .. } = setting.name() else { continue };
            let mistakes = load(&[(env, &beyond)]).expect_err("it is beyond");
            assert_eq!(mistakes, [format!("{env} (`{toml}` in the file) {why}")]);
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} numbers were tried");
}

#[rstest]
#[case::percent("SYNC_MAX_ERROR_PERCENT", "100.1", "a number from 0 to 100")]
#[case::switch("SYNC_BATCHING", "perhaps", "true or false")]
#[case::choice("INT6_AUTH", "basic", "one of request_token, user_token_headers, bearer")]
#[case::key("SYNC_MATCH_BY", "name", "one of code, serial, mac, pppoe")]
#[case::words(
    "SYNC_STATUS_OF",
    "power_fail",
    "a list of words with ok, error or keep, such as power_fail=keep,warning=ok,"
)]
#[case::scheme("INT6_TOKEN_SCHEME", "Basic", "one of Bearer, JWT")]
#[case::hosts("PROVISIONING_CALLBACK_HOSTS", "a b", "a list of host names, separated by commas,")]
#[case::blocks("GATEWAY_ALLOWED_IPS", "here", "a list of addresses or CIDR blocks, separated by commas,")]
#[case::every_origin(
    "GATEWAY_CORS_ORIGINS",
    "*",
    "a list of origins such as https://panel.isp.example, separated by commas,"
)]
fn what_does_not_fit_is_refused_with_what_would(
    #[case] variable: &str,
    #[case] value: &str,
    #[case] expected: &str,
) {
    let mistakes = load(&[(variable, value)]).expect_err("it does not fit");
    let [mistake] = mistakes.as_slice() else { panic!("one mistake: {mistakes:?}") };
    assert!(mistake.starts_with(&format!("{variable} (`")), "{mistake}");
    assert!(mistake.ends_with(&format!(" is \"{value}\", but {expected} is expected")), "{mistake}");
}

#[test]
fn words_with_a_status_stand_in_a_table_or_in_a_list() {
    let list = load(&[("SYNC_STATUS_OF", "power_fail = keep, Aten\u{e7}\u{e3}o=OK")]).expect("good settings");
    let with = |status_of: &str| {
        let sync = format!("sync = {{ status_of = {status_of}, interval_seconds = 0");
        load_file(&TWO_TENANTS.replace("sync = { interval_seconds = 0", &sync), &[])
    };
    let table = with(r#"{ "power_fail" = "keep", "atencao" = "ok" }"#).expect("good settings");
    assert_eq!(table.tenants[0].int6.status_words, list.tenants[0].int6.status_words);
    assert_ne!(table.tenants[1].int6.status_words, list.tenants[0].int6.status_words);
    let commas = with(r#"{ "a, b=c" = "keep", "d" = "ok" }"#).expect("a word may have a comma");
    let named = commas.tenants[0].int6.status_words.named(PowerReading::Text, "A,B=C");
    assert_eq!(named, PowerReading::Word(WordStatus::Keep));
    for (wrong, why) in [
        (r#"{ "power_fail" = "kept" }"#, "but a list of words with ok, error or keep, such as"),
        (r#"{ "power_fail" = 1 }"#, "`sync.status_of` of tenant north is not written as a text"),
        (r#"{ "-40" = "keep" }"#, "names \"-40\", which is no word"),
        (r#"{ "LOS" = "keep", "los" = "ok" }"#, "names \"los\" twice"),
    ] {
        let mistakes = with(wrong).expect_err(wrong);
        assert!(mistakes.len() == 1 && mistakes[0].contains(why), "{mistakes:?}");
    }
    let table = TWO_TENANTS.replace("interval_seconds = 0", "interval_seconds = { a = \"b\" }");
    let mistakes = load_file(&table, &[]).expect_err("a table where a number belongs");
    assert!(mistakes[0].contains("is not written as a text"), "{mistakes:?}");
}

#[test]
fn projects_are_names_or_identifiers_and_a_name_may_have_a_comma() {
    let with = |projects: &str| {
        let text = TWO_TENANTS.replace("sync = {", &format!("projects = {{ {projects} }}\nsync = {{"));
        load_file(&text, &[]).expect("good settings").tenants.remove(0).projects
    };
    let project = |name: &str| Project { id: None, name: Some(name.into()) };
    let rules = with(r#"include = ["Norte, fase 2", "Sul"], exclude = "Leste,Oeste""#);
    for (name, admitted) in [("norte, FASE 2", true), ("Sul", true), ("Norte", false), ("Oeste", false)] {
        assert_eq!(rules.admits(Some(&project(name))), Some(admitted), "{name}");
    }
    let alone = with(r#"exclude = ["Norte, fase 2"]"#);
    assert_eq!(alone.admits(Some(&project("Norte, fase 2"))), Some(false));
    let list = load(&[("PROJECTS_INCLUDE", "Norte, Sul")]).expect("good settings");
    assert_eq!(list.tenants[0].projects.admits(Some(&project("sul"))), Some(true));
    assert!(!load(&[]).expect("good settings").tenants[0].projects.is_used());
}

#[rstest]
#[case::no_scheme("autoisp.example", "is no URL (")]
#[case::another_scheme("ftp://autoisp.example", "is no URL that starts with http:// or https://")]
#[case::password("http://user:secret@autoisp.example", "has a user, a password, a query or a fragment")]
#[case::query("http://autoisp.example/?token=secret", "has a user, a password, a query or a fragment")]
fn a_url_that_is_more_or_less_than_a_place_is_refused(#[case] url: &str, #[case] why: &str) {
    let mistakes = load(&[("OZMAP_URL", url)]).expect_err("no good URL");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].starts_with(&format!("OZMAP_URL (`ozmap.url` in the file) {why}")), "{mistakes:?}");
    assert!(!mistakes[0].contains("secret"), "{mistakes:?}");
}

#[rstest]
#[case::key("GATEWAY_API_KEY", "s3cret", "is shorter than 16 characters; `keygen` makes a good one")]
#[case::token("INT6_TOKEN", "s3cret\u{e9}", "has characters that no header can carry")]
#[case::ozmap("OZMAP_API_KEY", "s3cret\u{e9}", "has characters that no header can carry")]
fn a_secret_that_does_not_fit_is_not_shown(#[case] variable: &str, #[case] value: &str, #[case] why: &str) {
    let mistakes = load(&[(variable, value)]).expect_err("it does not fit");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].starts_with(variable) && mistakes[0].ends_with(why), "{mistakes:?}");
    assert!(!mistakes[0].contains("s3cret"), "{mistakes:?}");
}

#[test]
fn no_message_shows_the_text_of_a_secret_whatever_its_parser_says() {
    let row: Setting<u64> = setting::tenant("A", "a", parsers::number::<_, 1, 5>).secret();
    assert_eq!(
        row.value(Some("4711")).expect_err("too large").to_string(),
        "is not a whole number from 1 to 5"
    );
}

#[test]
fn a_key_stands_as_itself_or_as_its_hash() {
    let hash = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
    let config = load(&[("GATEWAY_API_KEY", ""), ("GATEWAY_API_KEY_SHA256", hash)]).expect("good settings");
    assert_eq!(config.tenants[0].key_sha256, Some(hash_of_key("abc")));
    let both = load(&[("GATEWAY_API_KEY_SHA256", hash)]).expect_err("both");
    assert_eq!(both, ["GATEWAY_API_KEY (`api_key` in the file) stands beside its SHA-256; give one of them"]);
    let wrong = load(&[("GATEWAY_API_KEY", ""), ("GATEWAY_API_KEY_SHA256", "abc")]).expect_err("no hash");
    assert_eq!(wrong, ["GATEWAY_API_KEY_SHA256 (`api_key_sha256` in the file) is not 64 hexadecimal digits"]);
}

#[test]
fn only_a_bearer_needs_no_email() {
    let bearer = load(&[("INT6_EMAIL", ""), ("INT6_AUTH", "bearer")]).expect("good settings");
    assert_eq!(bearer.tenants[0].int6.credentials.email, "");
    for style in ["", "request_token", "user_token_headers"] {
        let mistakes = load(&[("INT6_EMAIL", ""), ("INT6_AUTH", style)]).expect_err("no e-mail");
        assert_eq!(mistakes, ["INT6_EMAIL (`int6.email` in the file) is missing"]);
    }
}

#[rstest]
#[case::one_end(Some("-39"), None, "SYNC_PLAUSIBLE_MAX_DBM", "is missing: the window needs both ends")]
#[case::other_end(None, Some("10"), "SYNC_PLAUSIBLE_MIN_DBM", "is missing: the window needs both ends")]
#[case::empty(Some("5"), Some("5"), "SYNC_PLAUSIBLE_MIN_DBM", "is not below the other end of the window")]
fn the_plausible_window_has_two_ends_in_order(
    #[case] min: Option<&str>,
    #[case] max: Option<&str>,
    #[case] variable: &str,
    #[case] why: &str,
) {
    let ends = [("SYNC_PLAUSIBLE_MIN_DBM", min), ("SYNC_PLAUSIBLE_MAX_DBM", max)];
    let ends: Vec<_> = ends.into_iter().filter_map(|(name, end)| Some((name, end?))).collect();
    let mistakes = load(&ends).expect_err("no window");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].starts_with(variable) && mistakes[0].ends_with(why), "{mistakes:?}");
}

#[rstest]
#[case("1")]
#[case("26")]
#[case("soon")]
fn a_lease_that_is_too_short_or_too_long_is_refused(#[case] seconds: &str) {
    assert_eq!(load(&[]).expect("good settings").lease, Duration::from_secs(20));
    let mistakes = load(&[("GATEWAY_LEASE_SECONDS", seconds)]).expect_err("out of range");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(
        mistakes[0].starts_with("GATEWAY_LEASE_SECONDS") && mistakes[0].contains(seconds),
        "{mistakes:?}"
    );
}

#[test]
fn zero_switches_off_what_may_be_off() {
    let zero = ["SYNC_INTERVAL_SECONDS", "SYNC_STALE_AFTER_SECONDS", "GATEWAY_REQUESTS_PER_MINUTE"];
    let config = load(&zero.map(|name| (name, "0"))).expect("good settings");
    let tenant = &config.tenants[0];
    assert_eq!(
        (tenant.sync_interval, tenant.rules.stale_after, tenant.requests_per_minute),
        (None, None, None)
    );
    let config = load(&zero.map(|name| (name, "7"))).expect("good settings");
    let tenant = &config.tenants[0];
    assert_eq!(tenant.sync_interval, Some(Duration::from_secs(7)));
    assert_eq!(tenant.rules.stale_after, Some(SignedDuration::from_secs(7)));
    assert_eq!(tenant.requests_per_minute, NonZeroU32::new(7));
}

#[test]
fn no_mistake_hides_another() {
    let mistakes = load(&[
        ("GATEWAY_API_KEY_SHA256", "abc"),
        ("OZMAP_URL", ""),
        ("SYNC_PLAUSIBLE_MIN_DBM", "faint"),
        ("PROVISIONING_CALLBACK_HOSTS", "a b"),
    ])
    .expect_err("bad settings");
    let expected = [
        "GATEWAY_API_KEY_SHA256 (`api_key_sha256` in the file) is not 64 hexadecimal digits",
        "OZMAP_URL (`ozmap.url` in the file) is missing",
        "SYNC_PLAUSIBLE_MIN_DBM (`sync.plausible_min_dbm` in the file) is \"faint\", but a power in dBm is expected",
        "PROVISIONING_CALLBACK_HOSTS (`provisioning.callback_hosts` in the file) is \"a b\"",
        "GATEWAY_API_KEY (`api_key` in the file) stands beside its SHA-256",
        "SYNC_PLAUSIBLE_MAX_DBM (`sync.plausible_max_dbm` in the file) is missing: the window needs both ends",
    ];
    assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
    for (mistake, expected) in mistakes.iter().zip(expected) {
        assert!(mistake.starts_with(expected), "{mistake} / {expected}");
    }
    let twins = TWO_TENANTS.replace(
        "name = \"south\"\napi_key_sha256 = \"0",
        "name = \"north\"\nurl = \"\"\napi_key_sha256 = \"x",
    );
    let mistakes = load_file(&twins, &[]).expect_err("twins, a key that is none, and no hash");
    assert_eq!(mistakes.len(), 3, "{mistakes:#?}");
    assert!(mistakes[0].ends_with("`url` is no setting"), "{mistakes:#?}");
    let rest = ["`api_key_sha256` of tenant north is not 64 hexadecimal digits", "two tenants have one name"];
    assert_eq!(mistakes[1..], rest);
}
