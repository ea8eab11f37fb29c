//! How a setting's text becomes its value. Texts arrive trimmed and not empty.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use gateway_core::sync::MatchBy;
use gateway_core::{Dbm, StatusWords, WordStatus};
use ipnet::IpNet;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;

use super::setting::Unfit;
use crate::int6::{AuthStyle, TokenScheme};
use crate::key::{self, Role};

type Parsed<T> = Result<T, Unfit>;

fn or_expected<T>(value: Option<T>, expected: &str) -> Parsed<T> {
    value.ok_or_else(|| Unfit::Expected(expected.to_owned()))
}

fn because<T>(why: impl Into<String>) -> Parsed<T> {
    Err(Unfit::Because(why.into()))
}

/// Any text.
pub(super) fn text(text: &str) -> Parsed<String> {
    Ok(text.to_owned())
}

/// Any text, to be kept from logs.
pub(super) fn secret_text(text: &str) -> Parsed<SecretString> {
    Ok(text.into())
}

/// A text that a header can carry.
pub(super) fn header_text(text: &str) -> Parsed<String> {
    match text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        true => Ok(text.to_owned()),
        false => because("has characters that no header can carry"),
    }
}

/// A text that a header can carry, to be kept from logs.
pub(super) fn secret_header_text(text: &str) -> Parsed<SecretString> {
    header_text(text).map(SecretString::from)
}

/// Where a file is.
pub(super) fn path(text: &str) -> Parsed<PathBuf> {
    Ok(PathBuf::from(text))
}

/// Where to listen.
pub(super) fn socket_address(text: &str) -> Parsed<SocketAddr> {
    or_expected(text.parse().ok(), "an address and a port, such as 127.0.0.1:8080")
}

/// A whole number within bounds, both included.
pub(super) fn number<T: TryFrom<u64>, const LEAST: u64, const MOST: u64>(text: &str) -> Parsed<T> {
    let number = text.parse().ok().filter(|number| (LEAST..=MOST).contains(number));
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| Unfit::Expected(format!("a whole number from {LEAST} to {MOST}")))
}

/// How many are allowed; where `LEAST` is 0, 0 is as many as one likes.
pub(super) fn allowance<const LEAST: u64>(text: &str) -> Parsed<Option<NonZeroU32>> {
    const MOST: u64 = u32::MAX as u64;
    number::<u32, LEAST, MOST>(text).map(NonZeroU32::new)
}

/// Whole seconds within bounds.
pub(super) fn seconds<const LEAST: u64, const MOST: u64>(text: &str) -> Parsed<Duration> {
    number::<_, LEAST, MOST>(text).map(Duration::from_secs)
}

/// Whole seconds; 0 is off.
pub(super) fn seconds_or_off<const MOST: u64>(text: &str) -> Parsed<Option<Duration>> {
    seconds::<0, MOST>(text).map(|seconds| Some(seconds).filter(|seconds| !seconds.is_zero()))
}

/// Whole seconds between two times; 0 is off.
pub(super) fn age_or_off<const MOST: u64>(text: &str) -> Parsed<Option<SignedDuration>> {
    let age = number::<u32, 0, MOST>(text)?;
    Ok((age > 0).then(|| SignedDuration::from_secs(age.into())))
}

/// Whole days within bounds, of 24 hours each.
pub(super) fn days<const LEAST: u64, const MOST: u64>(text: &str) -> Parsed<SignedDuration> {
    number::<u32, LEAST, MOST>(text).map(|days| SignedDuration::from_hours(24 * i64::from(days)))
}

/// On or off.
pub(super) fn switch(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => or_expected(None, "true or false"),
    }
}

/// A share in percent.
pub(super) fn percent(text: &str) -> Parsed<f64> {
    let percent = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    or_expected(percent, "a number from 0 to 100")
}

/// A power.
pub(super) fn dbm(text: &str) -> Parsed<Dbm> {
    let dbm = text.parse().ok().and_then(|dbm| Dbm::from_f64(dbm).ok());
    or_expected(dbm, "a power in dBm")
}

/// A difference of powers.
pub(super) fn decibels(text: &str) -> Parsed<Dbm> {
    let decibels = text.parse().ok().filter(|decibels| (0.0..=100.0).contains(decibels));
    or_expected(decibels.and_then(|decibels| Dbm::from_f64(decibels).ok()), "a number of dB from 0 to 100")
}

/// A time zone by its name in the tz database.
pub(super) fn time_zone(text: &str) -> Parsed<TimeZone> {
    or_expected(TimeZone::get(text).ok(), "a time zone such as UTC or America/Sao_Paulo")
}

/// Items between commas; between ends of lines, where those of a file have commas themselves.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let between = if text.contains('\n') { '\n' } else { ',' };
    text.split(between).map(str::trim).filter(|item| !item.is_empty())
}

/// Items between commas.
fn list<T>(text: &str, names: &str, item: impl Fn(&str) -> Option<T>) -> Parsed<Vec<T>> {
    or_expected(items(text).map(item).collect(), &format!("a list of {names}, separated by commas,"))
}

/// Words, each as it is.
pub(super) fn words(text: &str) -> Parsed<Vec<String>> {
    list(text, "words", |word| Some(word.to_owned()))
}

/// Addresses and blocks of them.
pub(super) fn networks(text: &str) -> Parsed<Vec<IpNet>> {
    let address = |text: &str| text.parse::<IpAddr>().ok().map(IpNet::from);
    list(text, "addresses or CIDR blocks", |text| text.parse().ok().or_else(|| address(text)))
}

/// Names of hosts, as a URL's parser writes them.
pub(super) fn host_names(text: &str) -> Parsed<Vec<String>> {
    list(text, "host names", |text| url::Host::parse(text).ok().map(|host| host.to_string()))
}

/// Scheme, host and port, exactly as a browser sends them; `*` would let every page in.
pub(super) fn origins(text: &str) -> Parsed<Vec<HeaderValue>> {
    list(text, "origins such as https://panel.isp.example", |text| {
        let url = Url::parse(text).ok()?;
        let is_whole = url.origin().ascii_serialization() == text && url.origin().is_tuple();
        HeaderValue::from_str(text).ok().filter(|_| is_whole)
    })
}

/// Scheme, host and port; a trailing `/` and a trailing `/api/v2` go. Source: `docs/contracts/ozmap-api.md`, "Connection".
pub(super) fn base_url(text: &str) -> Parsed<Url> {
    let text = text.trim_end_matches('/');
    let text = text.strip_suffix("/api/v2").unwrap_or(text);
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return because(format!("is no URL ({error}); https://host:port is expected")),
    };
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return because("is no URL that starts with http:// or https://");
    }
    if url.username() != "" || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return because(
            "has a user, a password, a query or a fragment; only scheme, host, port and path are expected",
        );
    }
    Ok(url)
}

/// The gateway's key, by its hash.
pub(super) fn gateway_key(text: &str) -> Parsed<[u8; 32]> {
    match text.len() {
        ..16 => because("is shorter than 16 characters; `keygen` makes a good one"),
        16.. => Ok(key::hash_of_key(text)),
    }
}

/// The hash of a key. That of the empty text would let in whoever sends an empty header.
pub(super) fn gateway_key_hash(text: &str) -> Parsed<[u8; 32]> {
    match key::hash_from_hex(text) {
        None => because("is not 64 hexadecimal digits"),
        Some(hash) if hash == key::hash_of_key("") => {
            because("is the hash of an empty key; `keygen` makes a good one")
        }
        Some(hash) => Ok(hash),
    }
}

/// The name of a key, as it stands in logs and records.
pub(super) fn key_name(text: &str) -> Parsed<String> {
    let fits = |c: char| c.is_alphanumeric() || " ._-@/".contains(c);
    let name = Some(text.to_owned()).filter(|name| name.chars().count() <= 64 && name.chars().all(fits));
    or_expected(name, "a name of 1 to 64 letters, digits, blanks and ._-@/")
}

/// What a key may do.
pub(super) fn role(text: &str) -> Parsed<Role> {
    one_of(text, &[Role::Int6, Role::Operator, Role::Viewer].map(|role| (role.name(), role)))
}

/// How INT6 takes the credentials.
pub(super) fn auth_style(text: &str) -> Parsed<AuthStyle> {
    one_of(
        text,
        &[
            ("request_token", AuthStyle::RequestToken),
            ("user_token_headers", AuthStyle::UserTokenHeaders),
            ("bearer", AuthStyle::Bearer),
        ],
    )
}

/// The word before INT6's short-lived token.
pub(super) fn token_scheme(text: &str) -> Parsed<TokenScheme> {
    one_of(text, &[("Bearer", TokenScheme::Bearer), ("JWT", TokenScheme::Jwt)])
}

/// What a row of INT6 and a client of OZmap have in common.
pub(super) fn match_by(text: &str) -> Parsed<MatchBy> {
    one_of(
        text,
        &[
            ("code", MatchBy::Code),
            ("serial", MatchBy::Serial),
            ("mac", MatchBy::Mac),
            ("pppoe", MatchBy::Pppoe),
        ],
    )
}

/// Words with the status of each: `power_fail=keep,warning=ok`.
pub(super) fn status_words(text: &str) -> Parsed<StatusWords> {
    let choices = [("ok", WordStatus::Ok), ("error", WordStatus::Error), ("keep", WordStatus::Keep)];
    let pair = |item: &str| {
        let (word, status) = item.rsplit_once('=')?;
        Some((word.trim().to_owned(), one_of(status.trim(), &choices).ok()?))
    };
    let pairs: Option<Vec<_>> = items(text).map(pair).collect();
    let expected = "a list of words with ok, error or keep, such as power_fail=keep,warning=ok,";
    let words = StatusWords::new(or_expected(pairs, expected)?);
    words.or_else(|error| because(error.to_string()))
}

/// One of these words, in capitals or not.
fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Parsed<T> {
    let chosen = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    or_expected(chosen.map(|(_, value)| *value), &format!("one of {}", words.join(", ")))
}
