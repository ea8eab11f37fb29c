//! Which fields of a record an answer shows: `select` and `populate`.

use serde_json::Value;

use super::id::Id;
use super::state::State;
use crate::exchange::Call;

/// Which fields to show, and which references to replace by what they refer to.
pub(crate) struct Projection {
    select: Vec<String>,
    populate: Vec<String>,
}

impl Projection {
    pub(crate) fn of(call: &Call) -> Projection {
        let words = |name: &str| {
            let text = call.query_value(name).unwrap_or_default();
            text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        Projection { select: words("select"), populate: words("populate") }
    }

    /// Renders a record so; `id` is always there.
    pub(crate) fn render(&self, state: &State, id: Id) -> Option<Value> {
        let root =
            |name: &str| name.trim_start_matches(['-', '+']).split('.').next().unwrap_or_default().to_owned();
        let (without, with): (Vec<&String>, Vec<&String>) =
            self.select.iter().partition(|name| name.starts_with('-'));
        let mut object = if with.is_empty() {
            match state.render(id)? {
                Value::Object(object) => object,
                other => return Some(other),
            }
        } else {
            state.field(id, "id")?;
            let wanted = with.into_iter().map(|name| root(name)).filter(|name| name != "_id");
            let wanted = std::iter::once("id".to_owned()).chain(wanted);
            wanted.filter_map(|name| state.field(id, &name).map(|value| (name, value))).collect()
        };
        for name in without {
            object.remove(&root(name));
        }
        for name in &self.populate {
            if let Some(reference) = object.get_mut(&root(name)) {
                populate(state, reference);
            }
        }
        Some(Value::Object(object))
    }
}

/// Replaces identifiers by the records they name; what is no identifier stays.
fn populate(state: &State, reference: &mut Value) {
    match reference {
        Value::String(text) => {
            if let Some(record) = Id::parse(text).and_then(|id| state.render(id)) {
                *reference = record;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| populate(state, item)),
        _ => {}
    }
}
