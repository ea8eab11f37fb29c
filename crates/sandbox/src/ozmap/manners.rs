//! How a pretend OZmap differs from the contract: what hosts, firewalls and proxies were seen to do.

use serde_json::{Value, json};

use super::id::Kind;
use super::state::State;
use crate::exchange::{Answer, Call};

/// What a firewall or a proxy shows to people.
const HTML: &str = "<!doctype html><title>Request blocked</title><p>Please sign in.";

/// How an OZmap differs from the contract; the default does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OzmapManners {
    /// What becomes of `page` and of the cursor.
    pub page: PageManner,
    /// What lists say as `total`.
    pub total: TotalManner,
    /// Most rows on a page, whatever is asked for; the envelope says the limit that was asked for.
    pub largest_page: Option<usize>,
    /// Whether the envelope leaves out `limit`.
    pub hides_limit: bool,
    /// What `hasNextPage` says, if always the same.
    pub always_has_next: Option<bool>,
    /// Status and body of a page beyond the last row.
    pub beyond_the_end: Option<(u16, String)>,
    /// What becomes of requests with a filter in the query or the body.
    pub filters: FilterManner,
    /// What is answered to PATCH and batch-update.
    pub writes: WriteManner,
    /// Whether references stay identifiers, whatever `populate` says; a property's client is an object all the same.
    pub ignores_populate: bool,
    /// Whether there is no route for projects (404).
    pub hides_projects: bool,
}

/// What becomes of `page` and of the cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageManner {
    /// They are honoured.
    #[default]
    Honoured,
    /// Every page is the first.
    Ignored,
    /// After the last page comes the first.
    Wraps,
    /// The second page names the first as the next one.
    CircleOfTwo,
}

/// What lists say as `total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TotalManner {
    /// How many rows there are.
    #[default]
    Told,
    /// 0.
    Zero,
    /// The rows of the page.
    RowsOfThePage,
    /// Nothing.
    Absent,
}

/// What becomes of requests with a filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilterManner {
    /// It is honoured.
    #[default]
    Honoured,
    /// 403: a firewall dislikes it.
    Forbidden,
    /// 200 with an HTML page: a firewall dislikes it.
    HtmlPage,
    /// Lists answer as if there were none.
    IgnoredByLists,
    /// Lists honour it, batch-update changes every record.
    IgnoredByBatchUpdate,
}

/// What is answered to PATCH and batch-update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteManner {
    /// 204 without a body.
    #[default]
    NoContent,
    /// 200 with the record, or with an empty object.
    Record,
    /// 200 with an HTML page, and nothing is written.
    HtmlPage,
    /// 200 with an `error`, and nothing is written.
    ErrorWith200,
    /// 204, and nothing is written.
    Nothing,
}

impl OzmapManners {
    /// What is answered before the request is looked at, if anything.
    pub(super) fn refusal(&self, call: &Call) -> Option<Answer> {
        let has_filter = call.query_value("filter").is_some()
            || call.json().is_ok_and(|body| body.get("filter").is_some_and(|filter| !filter.is_null()));
        match self.filters {
            FilterManner::Forbidden if has_filter => return Some(Answer::html(403, HTML)),
            FilterManner::HtmlPage if has_filter => return Some(Answer::html(200, HTML)),
            _ => (),
        }
        if self.hides_projects && call.path.ends_with("/projects") {
            return Some(Answer::page_text(404, "Cannot GET"));
        }
        let is_update = call.method == "PATCH" || call.path.ends_with("/batch-update");
        match self.writes {
            WriteManner::HtmlPage if is_update => Some(Answer::html(200, HTML)),
            WriteManner::ErrorWith200 if is_update => Some(Answer::ok(json!({"error": "no permission"}))),
            WriteManner::Nothing if is_update => Some(Answer::no_content()),
            _ => None,
        }
    }

    /// The answer to an update that was carried out.
    pub(super) fn updated(&self, record: impl FnOnce() -> Option<Value>) -> Answer {
        match self.writes {
            WriteManner::Record => Answer::ok(record().unwrap_or_else(|| json!({}))),
            _ => Answer::no_content(),
        }
    }

    /// The list request as this host takes it.
    pub(super) fn list_request(&self, state: &State, kind: Kind, call: &Call) -> Call {
        let number = |name: &str| call.query_value(name).and_then(|text| text.parse::<usize>().ok());
        let limit = number("limit").unwrap_or(25).min(self.largest_page.unwrap_or(usize::MAX));
        let before = call.query_pairs();
        let mut pairs = before.clone();
        if self.largest_page.is_some() {
            pairs.retain(|(name, _)| name != "limit");
            pairs.push(("limit".to_owned(), limit.to_string()));
        }
        let page = match self.page {
            PageManner::Ignored => Some(1),
            PageManner::Wraps => {
                let pages = state.count(kind).div_ceil(limit.max(1)).max(1);
                number("page").map(|page| page.saturating_sub(1) % pages + 1)
            }
            PageManner::Honoured | PageManner::CircleOfTwo => None,
        };
        if let Some(page) = page {
            pairs.retain(|(name, _)| name != "page" && name != "lastSeenId");
            pairs.push(("page".to_owned(), page.to_string()));
        }
        if self.filters == FilterManner::IgnoredByLists {
            pairs.retain(|(name, _)| name != "filter");
        }
        if self.ignores_populate {
            pairs.retain(|(name, _)| name != "populate");
        }
        let query = if pairs == before { call.query.clone() } else { url_query(&pairs) };
        let (headers, body) = (call.headers.clone(), call.body.clone());
        Call { method: call.method.clone(), path: call.path.clone(), query, headers, body }
    }

    /// The envelope as this host writes it.
    pub(super) fn list_answer(&self, call: &Call, mut envelope: Value) -> Answer {
        let rows = envelope["rows"].as_array().map_or(0, Vec::len);
        if let Some((status, body)) = self.beyond_the_end.as_ref().filter(|_| rows == 0) {
            return Answer::page_text(*status, body);
        }
        match self.total {
            TotalManner::Told => (),
            TotalManner::Zero => envelope["total"] = json!(0),
            TotalManner::RowsOfThePage => envelope["total"] = json!(rows),
            TotalManner::Absent => remove(&mut envelope, "total"),
        }
        if self.largest_page.is_some() {
            envelope["limit"] = json!(call.query_value("limit").and_then(|text| text.parse::<u64>().ok()));
        }
        if self.hides_limit {
            remove(&mut envelope, "limit");
        }
        if let Some(has_next) = self.always_has_next {
            envelope["hasNextPage"] = json!(has_next);
        }
        if self.page == PageManner::CircleOfTwo && call.query_value("lastSeenId").is_some() {
            envelope["hasNextPage"] = json!(true);
            envelope["nextUrl"] = json!(format!("{}?page=1", call.path));
        }
        Answer::ok(envelope)
    }

    /// The body of a batch-update as this host takes it.
    pub(super) fn batch(&self, mut body: Value) -> Value {
        if self.filters == FilterManner::IgnoredByBatchUpdate {
            body["filter"] = json!([{"property": "id", "operator": "exists", "value": true}]);
        }
        body
    }
}

fn remove(envelope: &mut Value, name: &str) {
    if let Some(fields) = envelope.as_object_mut() {
        fields.remove(name);
    }
}

fn url_query(pairs: &[(String, String)]) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pair = |(name, value): &(String, String)| format!("{}={}", encode(name), encode(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ozmap::test_tenant::Tenant;

    fn codes(list: &Value) -> Vec<&str> {
        list["rows"].as_array().expect("rows").iter().filter_map(|row| row["code"].as_str()).collect()
    }

    #[test]
    fn pages_and_totals_are_told_as_the_manners_say() {
        let tenant = Tenant::with(20, true);
        let contract = tenant.get("/ftth-clients?limit=5&page=2&select=code");
        assert_eq!((codes(&contract).len(), &contract["total"]), (5, &json!(20)));
        tenant.story.set_manners(OzmapManners {
            page: PageManner::Ignored,
            total: TotalManner::RowsOfThePage,
            largest_page: Some(3),
            ..OzmapManners::default()
        });
        let odd = tenant.get("/ftth-clients?limit=5&page=2&select=code");
        assert_eq!(codes(&odd), codes(&tenant.get("/ftth-clients?limit=5&page=1&select=code")));
        assert_eq!((&odd["total"], &odd["limit"]), (&json!(3), &json!(5)));
    }

    #[test]
    fn a_batch_update_may_change_everyone() {
        let tenant = Tenant::with(20, true);
        let ids = tenant.get("/properties?limit=1")["rows"][0]["id"].clone();
        let body = json!({"filter": [{"property": "id", "operator": "in", "value": [ids]}], "update": {"potencyRead": -1.0}});
        let filters = FilterManner::IgnoredByBatchUpdate;
        tenant.story.set_manners(OzmapManners { filters, ..OzmapManners::default() });
        assert_eq!(tenant.call("POST", "/properties/batch-update", body).status, 204);
        let rows = tenant.get("/properties?limit=100")["rows"].clone();
        assert!(rows.as_array().expect("rows").iter().all(|row| row["potencyRead"] == -1.0));
    }
}
