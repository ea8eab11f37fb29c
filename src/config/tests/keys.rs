//! Several keys for each tenant, and which settings are told to be others.

use rstest::rstest;

use super::{Purpose, load, load_file};
use crate::config::{Config, SettingsPlace, Tenant};
use crate::key::{Role, hash_of_key};

/// The SHA-256 of `abc`, of `abcd`, and of nothing.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABCD: &str = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A tenant with these lines before its keys, which are name, hash and role.
fn tenant(name: &str, lines: &str, keys: &[(&str, &str, &str)]) -> String {
    let key = |(name, hash, role): &(&str, &str, &str)| {
        format!("[[tenant.key]]\nname = \"{name}\"\nkey_sha256 = \"{hash}\"\nrole = \"{role}\"\n")
    };
    let keys: String = keys.iter().map(key).collect();
    format!(
        "[[tenant]]\nname = \"{name}\"\n{lines}\n\
         int6 = {{ url = \"http://127.0.0.1:1\", email = \"a@isp.example\", token = \"t\" }}\n\
         ozmap = {{ url = \"http://127.0.0.1:2\", api_key = \"k\" }}\n{keys}"
    )
}

const SINGLE: &str = "api_key = \"a-key-of-the-gateway\"";

#[test]
fn a_tenant_has_several_keys_with_roles_and_the_single_one_is_int6s_beside_them() {
    let keys = [("painel 1", ABC, "operator"), ("parede", ABCD, "VIEWER")];
    let told = |config: Result<Config, Vec<String>>| -> Vec<(String, Role)> {
        let keys = config.expect("good settings").tenants.remove(0).all_keys();
        keys.into_iter().map(|key| (key.name, key.role)).collect()
    };
    let named = [("painel 1".to_owned(), Role::Operator), ("parede".to_owned(), Role::Viewer)];
    assert_eq!(told(load_file(&tenant("north", "", &keys), &[])), named);
    let both = told(load_file(&tenant("north", SINGLE, &keys), &[]));
    assert_eq!(both[0], ("default".to_owned(), Role::Int6));
    assert_eq!(both[1..], named);
    assert_eq!(told(load(&[])), [("default".to_owned(), Role::Operator)]);
    let config = load_file(&tenant("north", "", &keys), &[]).expect("good settings");
    assert_eq!(config.tenants[0].keys[0].sha256, hash_of_key("abc"));
}

#[rstest]
#[case::role(&[("a", ABC, "root")], "`key.role` of key 1 of tenant north is \"root\", but one of int6, operator, viewer is expected")]
#[case::hash(&[("a", "abc", "int6")], "`key.key_sha256` of key 1 of tenant north is not 64 hexadecimal digits")]
#[case::empty(&[("b", ABC, "int6"), ("a", EMPTY, "int6")], "`key.key_sha256` of key 2 of tenant north is the hash of an empty key; `keygen` makes a good one")]
#[case::name(&[("a\\u202eb", ABC, "int6")], "a name of 1 to 64 letters, digits, blanks and ._-@/ is expected")]
#[case::no_name(&[("", ABC, "int6")], "`key.name` of key 1 of tenant north is missing")]
#[case::one_name(&[("a", ABC, "int6"), ("a", ABCD, "viewer")], "two keys of tenant north have one name")]
#[case::one_key(&[("a", ABC, "int6"), ("b", ABC, "viewer")], "one API key has two names, so that a call could not be told apart: a of tenant north, b of tenant north")]
#[case::default(&[("default", ABC, "int6")], "two keys of tenant north have one name; the one without a name is called `default`")]
fn what_is_wrong_with_a_key_is_told_by_name(#[case] keys: &[(&str, &str, &str)], #[case] why: &str) {
    let mistakes = load_file(&tenant("north", SINGLE, keys), &[]).expect_err("a mistake");
    let [mistake] = mistakes.as_slice() else { panic!("one mistake: {mistakes:#?}") };
    assert!(mistake.ends_with(why), "{mistake}");
}

#[test]
fn one_key_of_two_tenants_and_the_hash_of_an_empty_key_are_refused() {
    let two = tenant("north", "", &[("a", ABC, "int6")])
        + &tenant("south", &format!("api_key_sha256 = \"{ABC}\""), &[]);
    let mistakes = load_file(&two, &[]).expect_err("one key");
    let told = "one API key has two names, so that a call could not be told apart: a of tenant north, default of tenant south";
    assert_eq!(mistakes, [told]);
    for variable in ["GATEWAY_API_KEY_SHA256", "GATEWAY_METRICS_KEY_SHA256"] {
        let key = if variable == "GATEWAY_API_KEY_SHA256" { "" } else { "a-key-of-the-gateway" };
        let mistakes = load(&[("GATEWAY_API_KEY", key), (variable, EMPTY)]).expect_err("an empty key");
        assert!(mistakes.len() == 1 && mistakes[0].starts_with(variable), "{mistakes:?}");
        assert!(
            mistakes[0].ends_with("is the hash of an empty key; `keygen` makes a good one"),
            "{mistakes:?}"
        );
    }
}

#[test]
fn keys_that_are_written_otherwise_and_unknown_words_in_them_are_told() {
    let wrong = tenant("north", &format!("{SINGLE}\nkey = \"abc\""), &[]);
    let mistakes = load_file(&wrong, &[]).expect_err("no table");
    assert!(mistakes[0].ends_with("`key` is not written as [[tenant.key]]"), "{mistakes:?}");
    let typo = tenant("north", SINGLE, &[("a", ABC, "int6")]) + "roles = \"viewer\"\n";
    let mistakes = load_file(&typo, &[]).expect_err("a typo");
    assert!(mistakes.len() == 1 && mistakes[0].ends_with("`key.roles` is no setting"), "{mistakes:?}");
    let none = load_file(&tenant("north", "", &[]), &[]).expect_err("no key");
    assert!(none[0].starts_with("`api_key` of tenant north is missing"), "{none:?}");
}

#[test]
fn the_metrics_have_another_address_than_the_api() {
    let both = [("GATEWAY_LISTEN", "127.0.0.1:9"), ("GATEWAY_METRICS_LISTEN", "127.0.0.1:9")];
    let mistakes = load(&both).expect_err("one address");
    let told = "GATEWAY_METRICS_LISTEN (`metrics_listen` in the file) is the address of the API (`listen`)";
    assert_eq!(mistakes, [told]);
    let free = [("GATEWAY_LISTEN", "127.0.0.1:0"), ("GATEWAY_METRICS_LISTEN", "127.0.0.1:0")];
    assert!(load(&free).expect("two free ports").metrics_listen.is_some());
}

fn only(text: &str) -> Tenant {
    load_file(text, &[]).expect("good settings").tenants.remove(0)
}

#[test]
fn settings_are_told_to_be_others_by_what_has_to_be_made_anew() {
    let text = tenant("north", SINGLE, &[("a", ABC, "int6")]);
    let plain = only(&text).fingerprints;
    assert_eq!(only(&text).fingerprints, plain);
    let of = |lines: &str| {
        only(&tenant("north", &format!("{SINGLE}\n{lines}"), &[("a", ABC, "int6")])).fingerprints
    };
    let same = |other: crate::config::Fingerprints| {
        (other.door == plain.door, other.upstreams == plain.upstreams, other.work == plain.work)
    };
    assert_eq!(same(of("requests_per_minute = 600000")), (true, true, true), "a default is no change");
    assert_eq!(same(of("allowed_ips = [\"192.0.2.7\"]")), (false, true, true));
    assert_eq!(same(of("sync = { interval_seconds = 5 }")), (true, true, false));
    assert_eq!(same(of("upstream = { max_in_flight = 5 }")), (true, false, false));
    let role = only(&tenant("north", SINGLE, &[("a", ABC, "viewer")])).fingerprints;
    assert_eq!(same(role), (false, true, true));
    let shown = format!("{plain:?}");
    assert!(shown.contains("Fingerprint") && !shown.chars().any(|letter| letter.is_ascii_digit()), "{shown}");
}

#[test]
fn a_secrets_file_and_a_certificate_count_by_what_they_hold() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [key, ca, file] = ["key", "ca.pem", "gateway.toml"].map(|name| folder.path().join(name));
    let text = tenant("north", &format!("api_key_file = \"{}\"", key.display()), &[]);
    let text = text.replace("ozmap = { ", &format!("ozmap = {{ ca_file = \"{}\", ", ca.display()));
    std::fs::write(&file, text).expect("it can be written");
    let place = SettingsPlace::new([], Some(file.clone()));
    let mut seen = Vec::new();
    for (secret, certificate) in
        [("a-key-of-the-gateway", "one"), ("a-key-of-the-gateway", "two"), ("another-key-of-it", "two")]
    {
        std::fs::write(&key, secret).expect("it can be written");
        std::fs::write(&ca, certificate).expect("it can be written");
        let config = place.load(Purpose::Serve).expect("good settings");
        assert_eq!(config.files.paths().collect::<Vec<_>>(), [&ca, &file, &key]);
        seen.push(config.tenants[0].fingerprints);
    }
    assert_eq!(seen[0].door, seen[1].door);
    assert_ne!(seen[0].upstreams, seen[1].upstreams);
    assert_ne!(seen[1].door, seen[2].door);
    assert_eq!(seen[1].work, seen[2].work);
}
