//! The API's description, and pages that show it without Internet access.

use axum::Router;
use axum::http::header;
use axum::response::{Html, Redirect};
use axum::routing::get;
use gateway_core::ErrorCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, HeaderBuilder, ObjectBuilder, RefOr, Type};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

use super::problem::{ERRORS, ErrorRow};
use super::responses::{add, add_header, add_too_large};

/// What is not said at an operation.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "INT6 ↔ OZmap gateway",
        description = "Keeps OZmap, the map of an ISP's fibre network, in step with INT6, which provisions and monitors its ONUs.\n\n\
            Every error is `application/problem+json` with a stable `code`; [the list of codes](/docs/errors) says what to do.\n\
            Times are RFC 3339 in UTC; units stand in names (`power_dbm`, `distance_m`).",
    ),
    servers((url = "/", description = "The gateway that answers this description")),
    tags(
        (name = "sync", description = "INT6 → OZmap, every 10 minutes: history, run now, old → new of every change."),
        (name = "clients", description = "INT6's side: the light of a client, its activation, its records in OZmap."),
        (name = "platform", description = "Open to all: signs of life."),
    ),
    security(("bearer" = []), ("api_key" = [])),
    modifiers(&Shelf),
)]
pub(super) struct ApiDescription;

/// What operations refer to.
struct Shelf;

impl Modify for Shelf {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The tenant's gateway key; `Authorization: <key>` without the word works too."))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let key = ApiKeyValue::with_description("X-API-Key", "The tenant's gateway key.");
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
        add_headers(components);
    }
}

fn add_headers(components: &mut Components) {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let headers = [
        (
            "X-Request-Id",
            text(),
            "The caller's, if it is 1–128 visible ASCII characters, else one of the gateway.",
        ),
        ("Retry-After", seconds, "Seconds to wait before the next try."),
        ("WWW-Authenticate", text(), "`Bearer`"),
    ];
    for (name, schema, description) in headers {
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build();
        components.headers.insert(name.to_owned(), RefOr::T(header));
    }
}

/// What every operation that needs a key may answer beside its own.
const EVERYWHERE: [ErrorCode; 7] = [
    ErrorCode::InvalidRequest,
    ErrorCode::Unauthorised,
    ErrorCode::AddressNotAdmitted,
    ErrorCode::NotPermitted,
    ErrorCode::TooManyRequests,
    ErrorCode::Internal,
    ErrorCode::Unavailable,
];

/// Adds to each operation the errors that any of them may have, and to each answer the headers that all have.
pub(super) fn completed(mut api: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for item in api.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        operations.into_iter().flatten().for_each(complete);
    }
    api
}

fn complete(operation: &mut Operation) {
    let responses = &mut operation.responses;
    // Only what is open to all says something of its own about keys.
    if operation.security.is_none() {
        EVERYWHERE.into_iter().for_each(|code| add(responses, code));
        add_too_large(responses);
    }
    for response in responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            add_header(response, "X-Request-Id");
        }
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
    let rows: String = ERRORS.iter().map(section).collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Errors of the gateway</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}\
         h2{{margin-bottom:0}}small{{color:#666}}:target{{background:#fff3c4}}</style>\
         <h1>Errors</h1><p>Every error is <code>application/problem+json</code>. Its <code>code</code> is one of these.</p>\n{rows}</html>\n"
    )
}

fn section(ErrorRow { code, status, title, when: _, remedy }: &ErrorRow) -> String {
    let status = status.map_or("the end of an operation".to_owned(), |status| status.as_u16().to_string());
    let remedy = remedy.replace('<', "&lt;");
    format!(
        "<h2 id=\"{code}\"><code>{code}</code> <small>{status}</small></h2><p>{title}.</p><p>{remedy}</p>\n"
    )
}
