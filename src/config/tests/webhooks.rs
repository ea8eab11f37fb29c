//! `[[tenant.webhook]]`, as it may be written and as not.

use gateway_core::notice::Event;
use rstest::rstest;
use strum::VariantArray;

use super::load_file;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const LEAST: &str = r#"
[[tenant]]
api_key = "a-key-of-the-gateway"
int6 = { url = "http://127.0.0.1:1", email = "gateway@isp.example", token = "t" }
ozmap = { url = "http://127.0.0.1:2", api_key = "k" }
provisioning = { callback_hosts = ["int6.example"] }
"#;

#[test]
fn a_webhook_is_told_of_everything_unless_some_is_named() {
    let secrets = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(secrets.path(), format!("{SECRET}\n{SECRET}\n")).expect("it can be written");
    let text = format!(
        "{LEAST}[[tenant.webhook]]\nurl = \"https://one.example/a?token=b\"\nsecret = \"{SECRET}\"\n\
         [[tenant.webhook]]\nurl = \"http://two.example\"\nsecret_file = \"{}\"\nevents = [\"sync.failed\", \"reservation.expired\"]\n",
        secrets.path().display()
    );
    let config = load_file(&text, &[]).expect("good settings");
    let notices = &config.tenants[0].notices;
    let [one, two] = notices.webhooks.as_slice() else { panic!("two webhooks") };
    assert!(one.events.iter().eq(Event::VARIANTS), "{:?}", one.events);
    assert!(two.events.iter().eq(&[Event::SyncFailed, Event::ReservationExpired]), "{:?}", two.events);
    assert!(notices.callback_hosts.admitted("https://int6.example/x").is_ok());
    let shown = format!("{:?}", config.tenants[0]);
    assert!(
        shown.contains("2 secret(s)") && !shown.contains("MfKQ") && !shown.contains("token=b"),
        "{shown}"
    );
    assert!(load_file(LEAST, &[]).expect("good settings").tenants[0].notices.webhooks.is_empty());
}

#[rstest]
#[case::no_url(r#"secret = "SECRET""#, "`webhook.url` of webhook 1 is missing")]
#[case::another_scheme(
    r#"url = "ftp://one.example"
secret = "SECRET""#,
    "starts with http:// or https://"
)]
#[case::a_password(
    r#"url = "https://a:hidden@one.example"
secret = "SECRET""#,
    "has a user, a password or a fragment"
)]
#[case::no_secret(r#"url = "https://one.example""#, "`webhook.secret` of webhook 1 is missing")]
#[case::a_short_secret(
    r#"url = "https://one.example"
secret = "whsec_aGlkZGVu""#,
    "has 6 bytes, and 24 to 64 are expected"
)]
#[case::both(
    r#"url = "https://one.example"
secret = "SECRET"
secret_file = "x""#,
    "give one of them"
)]
#[case::no_such_file(
    r#"url = "https://one.example"
secret_file = "/nowhere/at/all""#,
    "is to be read from /nowhere/at/all"
)]
#[case::an_unknown_event(
    r#"url = "https://one.example"
secret = "SECRET"
events = ["sync.fialed"]"#,
    r#"has "sync.fialed", but one of sync.failed, sync.halted"#
)]
#[case::no_event(
    r#"url = "https://one.example"
secret = "SECRET"
events = []"#,
    "leave it out to be told of everything"
)]
#[case::an_unknown_key(
    r#"url = "https://one.example"
secret = "SECRET"
event = ["sync.failed"]"#,
    "`webhook.event` of webhook 1 is no setting"
)]
#[case::twice(
    r#"url = "https://one.example"
secret = "SECRET"
[[tenant.webhook]]
url = "https://one.example/"
secret = "SECRET""#,
    "`webhook.url` of webhook 2 is that of another one"
)]
fn a_mistake_is_told_without_the_secret(#[case] webhook: &str, #[case] told: &str) {
    let text = format!("{LEAST}[[tenant.webhook]]\n{}\n", webhook.replace("SECRET", SECRET));
    let mistakes = load_file(&text, &[]).expect_err("it is wrong");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].contains(told) && mistakes[0].contains("default"), "{mistakes:?}");
    assert!(
        !mistakes[0].contains("MfKQ") && !mistakes[0].contains("aGlk") && !mistakes[0].contains("hidden")
    );
}

#[test]
fn what_is_no_list_of_tables_is_told() {
    let text = LEAST.replace("api_key = \"a-", "webhook = \"https://one.example\"\napi_key = \"a-");
    let mistakes = load_file(&text, &[]).expect_err("it is wrong");
    assert!(mistakes[0].contains("not written as [[tenant.webhook]]"), "{mistakes:?}");
}
