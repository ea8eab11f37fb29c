//! `[[tenant.webhook]]`: who is told what happens. It stands in the file only.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use gateway_core::notice::Event;
use strum::VariantArray;
use toml::{Table, Value};
use url::Url;

use crate::notices::{Signing, Webhook};

/// What a webhook may say.
const KEYS: [&str; 4] = ["url", "secret", "secret_file", "events"];

/// A tenant's webhooks; what is wrong with them, one sentence each, without a secret and without a URL.
pub(super) fn webhooks(value: &Value) -> (Vec<Webhook>, Vec<String>) {
    let (mut webhooks, mut mistakes) = (Vec::<Webhook>::new(), Vec::new());
    let tables = value.as_array().map(|items| items.iter().map(Value::as_table).collect::<Option<Vec<_>>>());
    let Some(Some(tables)) = tables else {
        return (webhooks, vec!["`webhook` is not written as [[tenant.webhook]]".to_owned()]);
    };
    for (number, table) in (1..).zip(tables) {
        match webhook(table) {
            Ok(one) if webhooks.iter().any(|other| other.url == one.url) => {
                mistakes
                    .push(format!("`webhook.url` of webhook {number} is that of another one of the tenant"));
            }
            Ok(one) => webhooks.push(one),
            Err(faults) => mistakes.extend(
                faults.into_iter().map(|(key, fault)| format!("`webhook.{key}` of webhook {number} {fault}")),
            ),
        }
    }
    (webhooks, mistakes)
}

/// The files that secrets of webhooks are read from.
pub(super) fn secret_files(value: &Value) -> Vec<PathBuf> {
    let tables = value.as_array().into_iter().flatten();
    tables.filter_map(|table| table.get("secret_file")?.as_str().map(PathBuf::from)).collect()
}

type KeyFault = (String, String);

fn webhook(table: &Table) -> Result<Webhook, Vec<KeyFault>> {
    let unknown = table.keys().filter(|key| !KEYS.contains(&key.as_str()));
    let mut faults: Vec<KeyFault> = unknown.map(|key| (key.clone(), "is no setting".to_owned())).collect();
    let url = url(table).map_err(|fault| faults.push(("url".to_owned(), fault))).ok();
    let signing = signing(table).map_err(|fault| faults.push(("secret".to_owned(), fault))).ok();
    let events = events(table).map_err(|fault| faults.push(("events".to_owned(), fault))).ok();
    match (url, signing, events) {
        (Some(url), Some(signing), Some(events)) if faults.is_empty() => {
            Ok(Webhook { url, signing: Arc::new(signing), events })
        }
        _ => Err(faults),
    }
}

fn url(table: &Table) -> Result<Url, String> {
    let text = match table.get("url") {
        Some(Value::String(text)) if !text.trim().is_empty() => text.trim(),
        Some(Value::String(_)) | None => return Err("is missing".to_owned()),
        Some(_) => return Err("is not written as a text".to_owned()),
    };
    let url =
        Url::parse(text).map_err(|error| format!("is no URL ({error}); https://host/path is expected"))?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err("is no URL that starts with http:// or https://".to_owned());
    }
    if url.username() != "" || url.password().is_some() || url.fragment().is_some() {
        return Err("has a user, a password or a fragment".to_owned());
    }
    Ok(url)
}

/// One secret, or several while one is replaced: as a list, or as lines of a file.
fn signing(table: &Table) -> Result<Signing, String> {
    let texts = match (table.get("secret"), table.get("secret_file")) {
        (Some(_), Some(_)) => return Err("stands both as itself and as a file; give one of them".to_owned()),
        (Some(Value::String(secret)), None) => vec![secret.clone()],
        (Some(Value::Array(secrets)), None) => texts(secrets)?,
        (None, Some(Value::String(file))) => lines(file)?,
        (Some(_), None) | (None, Some(_)) => return Err("is not written as a text".to_owned()),
        (None, None) => Vec::new(),
    };
    let secrets: Vec<&str> = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    match secrets[..] {
        [] => Err("is missing: notices are signed with it".to_owned()),
        _ => Signing::new(secrets).map_err(|error| error.to_string()),
    }
}

fn lines(file: &str) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("is to be read from {file}, which fails: {error}"))?;
    match text.trim().is_empty() {
        true => Err(format!("is to be read from {file}, which is empty")),
        false => Ok(text.lines().map(str::to_owned).collect()),
    }
}

fn texts(items: &[Value]) -> Result<Vec<String>, String> {
    let texts: Option<Vec<String>> = items.iter().map(|item| Some(item.as_str()?.to_owned())).collect();
    texts.ok_or_else(|| "is not a list of texts".to_owned())
}

/// All, unless some are named.
fn events(table: &Table) -> Result<BTreeSet<Event>, String> {
    let Some(value) = table.get("events") else { return Ok(Event::VARIANTS.iter().copied().collect()) };
    let names = value
        .as_array()
        .ok_or("is not a list of texts")
        .and_then(|items| texts(items).map_err(|_| "is not a list of texts"))?;
    if names.is_empty() {
        return Err("is empty: leave it out to be told of everything".to_owned());
    }
    let all: Vec<&str> = Event::VARIANTS.iter().map(|event| event.name()).collect();
    let event = |name: &String| {
        name.parse().map_err(|_| format!("has \"{name}\", but one of {} is expected", all.join(", ")))
    };
    names.iter().map(event).collect()
}
