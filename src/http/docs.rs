//! The API's description, and pages that show it without Internet access.

use axum::Router;
use axum::http::header;
use axum::response::{Html, Redirect};
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

use super::problem::Code;

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
        (name = "provisioning", description = "INT6 asks while a technician stands before a customer's wall."),
        (name = "sync", description = "INT6 → OZmap, every 10 minutes: history, run now, old → new of every change."),
        (name = "clients", description = "INT6's side: the light of a client, his activation, his records in OZmap."),
        (name = "platform", description = "Open to all: signs of life."),
    ),
    security(("bearer" = []), ("api_key" = [])),
    modifiers(&Security),
)]
pub(super) struct Api;

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
        .persist_authorization(true)
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
