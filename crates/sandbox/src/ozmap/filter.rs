//! OZmap's filters: read strictly, evaluated against any record.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::Value;

use super::geometry::{self, Point, Polygon};
use super::refusal::{Outcome, Refusal};

/// A parsed filter: every clause must hold, and a clause holds when one of its conditions does.
///
/// The conjunction is documented, the disjunction of an inner array is inferred.
///
/// Source: `docs/contracts/ozmap-api.md`, "Filters".
#[derive(Default)]
pub(crate) struct Filter {
    clauses: Vec<Vec<Condition>>,
}

struct Condition {
    path: Vec<String>,
    predicate: Predicate,
}

enum Predicate {
    Equal(Option<String>),
    NotEqual(Option<String>),
    Like(String),
    Compare(fn(Ordering) -> bool, Value),
    In(HashSet<Option<String>>),
    NotIn(HashSet<Option<String>>),
    All(Vec<Option<String>>),
    Exists(bool),
    Near(Point, f64),
    Within(Polygon),
    PointIntersect(Point),
}

/// What a filter must know of the collection it is for.
pub(crate) trait Vocabulary {
    /// Whether records of the collection can have this (dotted) property.
    fn knows(&self, path: &[String]) -> bool;
    /// The polygon of a project, region or horizontal condominium.
    fn polygon(&self, model: &str, id: &str) -> Option<Polygon>;
}

/// Metres around a point when `near` says nothing. Inferred.
const DEFAULT_RADIUS: f64 = 1000.0;

impl Filter {
    /// Reads the JSON of a filter; null is the filter that lets everything pass.
    ///
    /// # Errors
    /// 400 with a message for anything that is not a filter: a wrong shape, an unknown property or operator, a wrong value.
    pub(crate) fn parse(filter: &Value, vocabulary: &dyn Vocabulary) -> Outcome<Filter> {
        let items = match filter {
            Value::Null => return Ok(Filter::default()),
            Value::Array(items) => items,
            _ => return Err(Refusal::malformed("filter: must be an array")),
        };
        let clause = |item: &Value| match item {
            Value::Array(inner) => inner.iter().map(|item| Condition::parse(item, vocabulary)).collect(),
            item => Ok(vec![Condition::parse(item, vocabulary)?]),
        };
        Ok(Filter { clauses: items.iter().map(clause).collect::<Outcome<_>>()? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Whether a record passes; `lookup` gives the value at a path, null when there is none.
    pub(crate) fn matches(&self, lookup: impl Fn(&[String]) -> Value) -> bool {
        self.clauses
            .iter()
            .all(|clause| clause.iter().any(|condition| condition.holds(&lookup(&condition.path))))
    }

    /// The only values that `property` can have in a matching record, if a clause says so: the way to an index.
    pub(crate) fn required(&self, property: &str) -> Option<Vec<&str>> {
        self.clauses.iter().find_map(|clause| {
            let [condition] = clause.as_slice() else { return None };
            if condition.path.join(".") != property {
                return None;
            }
            match &condition.predicate {
                Predicate::Equal(value) => Some(value.as_deref().into_iter().collect()),
                Predicate::In(values) => Some(values.iter().flatten().map(String::as_str).collect()),
                _ => None,
            }
        })
    }
}

impl Condition {
    fn parse(item: &Value, vocabulary: &dyn Vocabulary) -> Outcome<Condition> {
        let text = |name: &str| {
            let value = item.get(name).and_then(Value::as_str);
            value.ok_or_else(|| Refusal::malformed(format!("filter: each item needs a string `{name}`")))
        };
        let property = text("property")?.trim();
        let operator = text("operator")?;
        let path: Vec<String> = property.split('.').map(str::to_owned).collect();
        if !vocabulary.knows(&path) {
            return Err(Refusal::malformed(format!("filter: unknown property `{property}`")));
        }
        let value =
            item.get("value").ok_or_else(|| Refusal::malformed("filter: each item needs a `value`"))?;
        let predicate = Predicate::parse(operator, value, vocabulary)?;
        Ok(Condition { path, predicate })
    }

    fn holds(&self, value: &Value) -> bool {
        match &self.predicate {
            Predicate::Equal(wanted) => equals(value, wanted),
            Predicate::NotEqual(wanted) => !equals(value, wanted),
            Predicate::Like(part) => {
                each(value).any(|v| scalar(v).is_some_and(|text| text.to_lowercase().contains(part)))
            }
            Predicate::Compare(wanted, limit) => compare(value, limit).is_some_and(wanted),
            Predicate::In(values) => is_among(value, values),
            Predicate::NotIn(values) => !is_among(value, values),
            Predicate::All(values) => values.iter().all(|wanted| equals(value, wanted)),
            Predicate::Exists(wanted) => value.is_null() != *wanted,
            Predicate::Near(centre, metres) => {
                geometry::point(value).is_some_and(|p| geometry::distance(p, *centre) <= *metres)
            }
            Predicate::Within(polygon) => {
                geometry::point(value).is_some_and(|p| geometry::contains(polygon, p))
            }
            Predicate::PointIntersect(point) => {
                geometry::polygon(value).is_some_and(|p| geometry::contains(&p, *point))
            }
        }
    }
}

impl Predicate {
    fn parse(operator: &str, value: &Value, vocabulary: &dyn Vocabulary) -> Outcome<Predicate> {
        let wrong = |what: &str| needs(operator, what);
        let plain = || {
            if value.is_array() || (value.is_object() && scalar(value).is_none()) {
                return Err(wrong("a single value"));
            }
            Ok(scalar(value))
        };
        let list = || {
            let items = value.as_array().ok_or_else(|| wrong("an array"))?;
            if items.iter().any(|item| item.is_array() || item.is_object()) {
                return Err(wrong("an array of single values"));
            }
            Ok(items.iter().map(scalar))
        };
        let compare = |wanted: fn(Ordering) -> bool| match value {
            Value::Number(_) | Value::String(_) => Ok(Predicate::Compare(wanted, value.clone())),
            _ => Err(wrong("a number or a string")),
        };
        Ok(match operator {
            "=" | "eq" => Predicate::Equal(plain()?),
            "!=" => Predicate::NotEqual(plain()?),
            "like" => Predicate::Like(
                scalar(value).ok_or_else(|| wrong("a string"))?.replace('%', "").to_lowercase(),
            ),
            "<" => compare(Ordering::is_lt)?,
            "<=" => compare(Ordering::is_le)?,
            ">" => compare(Ordering::is_gt)?,
            ">=" => compare(Ordering::is_ge)?,
            "in" => Predicate::In(list()?.collect()),
            "notin" => Predicate::NotIn(list()?.collect()),
            "all" => Predicate::All(list()?.collect()),
            "exists" => Predicate::Exists(value.as_bool().ok_or_else(|| wrong("true or false"))?),
            _ => return Predicate::on_the_map(operator, value, vocabulary),
        })
    }

    fn on_the_map(operator: &str, value: &Value, vocabulary: &dyn Vocabulary) -> Outcome<Predicate> {
        let wrong = |what: &str| needs(operator, what);
        Ok(match operator {
            "near" => {
                let centre = geometry::point(value).ok_or_else(|| wrong("`lat`, `lng` and `radius`"))?;
                let radius = match value.get("radius") {
                    None | Some(Value::Null) => DEFAULT_RADIUS,
                    Some(radius) => geometry::number(radius).ok_or_else(|| wrong("a `radius` in metres"))?,
                };
                Predicate::Near(centre, radius)
            }
            "within" => {
                let by_model =
                    || vocabulary.polygon(value.get("model")?.as_str()?, value.get("id")?.as_str()?);
                Predicate::Within(
                    geometry::polygon(value).or_else(by_model).ok_or_else(|| wrong("a polygon"))?,
                )
            }
            "point-intersect" => {
                Predicate::PointIntersect(geometry::point(value).ok_or_else(|| wrong("a point"))?)
            }
            _ => return Err(Refusal::malformed(format!("filter: unknown operator `{operator}`"))),
        })
    }
}

fn needs(operator: &str, what: &str) -> Refusal {
    Refusal::malformed(format!("filter: `{operator}` needs {what}"))
}

/// A value as text for comparison; a populated reference counts as its identifier. Null and lists have none.
///
/// Inferred: OZmap casts what is compared to the type of the field, so `1` and `"1"` are equal.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => number.as_f64().map(|number| number.to_string()),
        Value::Object(object) => object.get("id").or_else(|| object.get("_id")).and_then(scalar),
        Value::Null | Value::Array(_) => None,
    }
}

/// The members of a list, or the value itself.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter()
}

/// A list equals what one of its members equals.
fn equals(value: &Value, wanted: &Option<String>) -> bool {
    match wanted {
        None => value.is_null(),
        Some(_) => each(value).any(|member| scalar(member) == *wanted),
    }
}

fn is_among(value: &Value, values: &HashSet<Option<String>>) -> bool {
    each(value).any(|member| values.contains(&scalar(member)))
}

/// Numbers by size, text by character; `None` when the two are not of a kind.
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::Number(a), Value::String(b)) => a.as_f64()?.partial_cmp(&b.trim().parse().ok()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::Number(b)) => Some(a.as_str().cmp(b.to_string().as_str())),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}
