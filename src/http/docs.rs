//! The API's description, and pages that show it without Internet access.

use std::collections::btree_map::Entry;

use axum::Router;
use axum::http::header;
use axum::response::{Html, Redirect};
use axum::routing::get;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, Responses};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

use super::problem::{Code, Problem};

/// What is not said at an operation.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "INT6 ↔ OZmap gateway",
        description = "Keeps OZmap, the map of an ISP's fibre network, in step with INT6, which provisions and monitors its ONUs.\n\n\
            Every error is `application/problem+json` with a stable `code`; [the list of codes](/docs/errors) says what to do.\n\
            Times are RFC 3339 in UTC; units stand in names (`power_dbm`, `distance_m`).",
    ),
    tags(
        (name = "sync", description = "INT6 → OZmap, every 10 minutes: history, run now, old → new of every change."),
        (name = "clients", description = "INT6's side: the light of a client, his activation, his records in OZmap."),
        (name = "platform", description = "Open to all: signs of life."),
    ),
    security(("bearer" = []), ("api_key" = [])),
    modifiers(&Security),
)]
pub(super) struct ApiDescription;

struct Security;

impl Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The tenant's gateway key; `Authorization: <key>` without the word works too."))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let key = ApiKeyValue::with_description("X-API-Key", "The tenant's gateway key.");
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
}

/// What every operation that needs a key may answer beside its own.
const EVERYWHERE: [Code; 6] = [
    Code::InvalidRequest,
    Code::Unauthorised,
    Code::AddressNotAdmitted,
    Code::TooManyRequests,
    Code::Internal,
    Code::Unavailable,
];

/// Adds to each operation the errors that any of them may have, and to each error an example of every code that its
/// description names.
pub(super) fn with_errors(mut api: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for item in api.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            // Only what is open to all says something of its own about keys.
            if operation.security.is_none() {
                EVERYWHERE.into_iter().for_each(|code| add_error(&mut operation.responses, code));
            }
            operation.responses.responses.values_mut().for_each(add_examples);
        }
    }
    api
}

/// A body that is too large has a status of its own, and the code of every other wrong request.
fn add_error(responses: &mut Responses, code: Code) {
    let mut add = |status: u16, description: String| match responses.responses.entry(status.to_string()) {
        Entry::Vacant(place) => {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            let response = ResponseBuilder::new().description(description);
            let response = response.content("application/problem+json", content).build();
            place.insert(RefOr::T(response));
        }
        Entry::Occupied(mut response) => {
            if let RefOr::T(response) = response.get_mut()
                && !response.description.contains(code.name())
            {
                response.description = format!("{}; {}", response.description, code.name());
            }
        }
    };
    add(code.status().as_u16(), code.name().to_owned());
    if code == Code::InvalidRequest {
        add(413, "invalid_request: the body is larger than 64 KiB".to_owned());
    }
}

fn add_examples(response: &mut RefOr<utoipa::openapi::Response>) {
    let RefOr::T(response) = response else { return };
    let Some(RefOr::T(content)) = response.content.get_mut("application/problem+json") else { return };
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words: Vec<&str> = response.description.split(|c| !is_word(c)).collect();
    for code in Code::ALL.into_iter().filter(|code| words.contains(&code.name())) {
        let value = serde_json::to_value(Problem::example(code)).unwrap_or_default();
        let example = ExampleBuilder::new().summary(code.title()).value(Some(value)).build();
        content.examples.insert(code.name().to_owned(), RefOr::T(example));
    }
}

/// The document as text, stable and with a line end.
pub(super) fn text_of(api: utoipa::openapi::OpenApi) -> String {
    let mut text = api.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// `/openapi.json`, `/docs`, `/docs/errors`, and `/` which leads there.
pub(super) fn pages(openapi: String) -> Router {
    let config = Config::new([Url::new("gateway", "/openapi.json")])
        .validator_url("none")
        .try_it_out_enabled(true)
        .persist_authorization(false)
        .display_request_duration(true);
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/docs/") }))
        .route("/docs/errors", get(|| async { Html(errors()) }))
        .route(
            "/openapi.json",
            get(move || std::future::ready(([(header::CONTENT_TYPE, "application/json")], openapi))),
        )
        .merge(SwaggerUi::new("/docs").config(config))
}

fn errors() -> String {
    let row = |code: Code| {
        let (name, status) = (code.name(), code.status().as_u16());
        let (title, remedy) = (code.title(), code.remedy().replace('<', "&lt;"));
        format!(
            "<h2 id=\"{name}\"><code>{name}</code> <small>{status}</small></h2><p>{title}.</p><p>{remedy}</p>\n"
        )
    };
    let rows: String = Code::ALL.into_iter().map(row).collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Errors of the gateway</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}\
         h2{{margin-bottom:0}}small{{color:#666}}:target{{background:#fff3c4}}</style>\
         <h1>Errors</h1><p>Every error is <code>application/problem+json</code>. Its <code>code</code> is one of these.</p>\n{rows}</html>\n"
    )
}
