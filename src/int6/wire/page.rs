//! A page of the bulk read: a bare list, or a list somewhere in an object.

use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::Fields;
use crate::upstream::object::Object;
use crate::upstream::{WireError, json};

type RawRows<'a> = Vec<&'a RawValue>;

/// Reads a page. Each row goes to `sink` unread; the answer is their number, `None` if the page says nothing at all.
///
/// Nothing is an empty body, `null`, and an object without a list of which a member is `null`. In an object the list with the rows
/// counts, one level deeper too; empty lists and lists of texts beside it do not matter.
///
/// # Errors
/// [`WireError`] of the page; an object with an `error` is one, and is quoted.
pub fn rows(
    body: &[u8],
    fields: &Fields,
    sink: &mut dyn FnMut(&RawValue),
) -> Result<Option<usize>, WireError> {
    let body = body.trim_ascii();
    let list = match body {
        b"" | b"null" => None,
        [b'{', ..] => list_inside(body, fields)?,
        _ => Some(json::parse("a list of ONUs", body)?),
    };
    list.iter().flatten().for_each(|row| sink(row));
    Ok(list.map(|list| list.len()))
}

fn list_inside<'a>(body: &'a [u8], fields: &Fields) -> Result<Option<RawRows<'a>>, WireError> {
    let outer: Object<'a> = json::parse("a list of ONUs", body)?;
    let objects = outer.values().filter(|member| member.get().starts_with('{'));
    let inner = objects.filter_map(|member| serde_json::from_str::<Object<'a>>(member.get()).ok());
    let levels: Vec<Object<'a>> = inner.collect();
    let levels = || std::iter::once(&outer).chain(&levels);
    if let Some(refused) = levels().find_map(|members| error_in(members)) {
        return Err(refused);
    }
    let lists = levels().flat_map(|members| members.values().filter_map(|member| list(&member))).collect();
    let says_null = levels().any(|members| members.values().any(|member| member.get() == "null"));
    match the_rows(lists, fields)? {
        Some(list) => Ok(Some(list)),
        None if says_null || outer.names().next().is_none() => Ok(None),
        None => {
            Err(message_in(&outer)
                .unwrap_or(WireError::Shape("the answer is an object without a list of ONUs")))
        }
    }
}

fn list<'a>(member: &&'a RawValue) -> Option<RawRows<'a>> {
    member.get().starts_with('[').then(|| serde_json::from_str(member.get()).ok())?
}

/// The list that has rows; an empty one if none has.
fn the_rows<'a>(lists: Vec<RawRows<'a>>, fields: &Fields) -> Result<Option<RawRows<'a>>, WireError> {
    let is_object = |row: &&RawValue| row.get().starts_with('{');
    let has_rows = |list: &RawRows<'a>| list.iter().any(is_object);
    let is_named = |list: &RawRows<'a>| {
        let names = list.iter().filter_map(|row| serde_json::from_str::<Object<'a>>(row.get()).ok());
        names.take(20).any(|row| row.get(&fields.code).is_some() || row.get(&fields.power).is_some())
    };
    let (mut with_rows, others): (Vec<_>, Vec<_>) = lists.into_iter().partition(has_rows);
    if with_rows.len() > 1 {
        with_rows.retain(is_named);
        if with_rows.len() != 1 {
            let what = "the answer is an object with several lists: which one has the ONUs?";
            return Err(WireError::Shape(what));
        }
    }
    let is_empty = |list: &RawRows<'a>| list.is_empty();
    let has_empty = others.iter().any(is_empty);
    Ok(with_rows.pop().or_else(|| if has_empty { Some(RawRows::new()) } else { others.into_iter().next() }))
}

/// What the host says of itself, if it says that it failed. Source: `docs/contracts/int6-api.md`, "Behaviour".
fn error_in(members: &Object<'_>) -> Option<WireError> {
    let error = said(members, &["error", "errors"])?;
    // `"error": true` says nothing; the words stand beside it.
    let bare = matches!(error.as_str(), "true" | "1");
    let said = if bare { said(members, &MESSAGES).unwrap_or(error) } else { error };
    let what = "the answer is an object with `error` instead of a list of ONUs";
    Some(WireError::Said { what, said })
}

/// Members that carry a text for people.
const MESSAGES: [&str; 5] = ["message", "messages", "detail", "mensagem", "msg"];

fn message_in(members: &Object<'_>) -> Option<WireError> {
    let said = said(members, &MESSAGES)?;
    Some(WireError::Said { what: "the answer is an object with a message instead of a list of ONUs", said })
}

/// The first of these members that says something.
fn said(members: &Object<'_>, names: &[&str]) -> Option<String> {
    let of = |name: &&str| match serde_json::from_str(members.get(name)?.get()).ok()? {
        Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
        Value::Null | Value::Bool(false) => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Object(object) if object.is_empty() => None,
        other => Some(other.to_string()).filter(|text| text != "0"),
    };
    names.iter().find_map(of)
}

#[cfg(test)]
mod tests;
