//! The API's description and the page that shows it.

use gateway_core::ErrorCode;
use serde_json::{Map, Value};
use strum::VariantArray;

use crate::api::Api;
use crate::world::World;

/// The description as the running gateway gives it.
async fn description() -> Value {
    Api::over(World::empty().await).await.get("/openapi.json").await
}

/// Every operation, with a name for messages.
fn operations(api: &Value) -> Vec<(String, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in object(&api["paths"]) {
        operations
            .extend(object(item).iter().map(|(method, operation)| (format!("{method} {path}"), operation)));
    }
    assert!(operations.len() >= 16, "{} operations", operations.len());
    operations
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("an object is expected: {value}"))
}

fn parameters(operation: &Value) -> &[Value] {
    operation["parameters"].as_array().map_or(&[], Vec::as_slice)
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim() == text && !text.is_empty())
}

#[tokio::test]
async fn every_operation_parameter_answer_and_header_is_described() {
    let api = description().await;
    for (name, operation) in operations(&api) {
        assert!(is_text(&operation["summary"]), "{name}");
        for parameter in parameters(operation) {
            assert!(is_text(&parameter["description"]), "{name}: {parameter}");
        }
        for (status, answer) in object(&operation["responses"]) {
            assert!(is_text(&answer["description"]), "{name}: {status}");
            for (header, described) in object(&answer["headers"]) {
                let described = match described["$ref"].as_str() {
                    Some(place) => {
                        api.pointer(&place[1..]).unwrap_or_else(|| panic!("{place} leads nowhere"))
                    }
                    None => described,
                };
                assert!(is_text(&described["description"]), "{name}: {status} {header}");
            }
            assert!(answer["headers"]["X-Request-Id"].is_object(), "{name}: {status}");
        }
    }
}

/// The documentation page puts examples and defaults into its form: "Execute" would filter by them.
#[tokio::test]
async fn the_documentation_page_fills_in_no_optional_parameter_of_a_query() {
    let api = description().await;
    let mut optional = 0;
    for (name, operation) in operations(&api) {
        for parameter in parameters(operation).iter().filter(|parameter| parameter["required"] != true) {
            optional += 1;
            for place in [parameter, &parameter["schema"]] {
                for key in ["example", "examples", "default"] {
                    assert!(place.get(key).is_none(), "{name}: {} is filled in", parameter["name"]);
                }
            }
        }
    }
    assert!(optional > 20, "{optional} optional parameters");
}

#[tokio::test]
async fn the_documentation_page_fills_in_the_client_of_a_path() {
    let api = description().await;
    let mut codes = 0;
    for (name, operation) in operations(&api).into_iter().filter(|(name, _)| name.contains("{code}")) {
        let code = parameters(operation).iter().find(|parameter| parameter["name"] == "code");
        assert_eq!(code.map(|code| &code["example"]), Some(&Value::from("147")), "{name}");
        codes += 1;
    }
    assert_eq!(codes, 4);
}

#[tokio::test]
async fn every_example_of_an_error_has_the_status_of_its_answer_and_its_code() {
    let api = description().await;
    let mut examples = 0;
    for (name, operation) in operations(&api) {
        for (status, answer) in object(&operation["responses"]) {
            let Some(problem) = answer["content"].get("application/problem+json") else { continue };
            for (code, example) in object(&problem["examples"]) {
                let value = &example["value"];
                assert_eq!(value["status"].to_string(), *status, "{name}");
                assert_eq!(value["code"], *code, "{name}");
                assert_eq!(value["type"], format!("/docs/errors#{code}"), "{name}");
                let said = answer["description"].as_str().unwrap_or_default();
                assert!(said.contains(&format!("`{code}`: ")), "{name}: {status} {said}");
                examples += 1;
            }
            assert_eq!(answer["headers"].get("Retry-After").is_some(), ["429", "503"].contains(&&**status));
        }
    }
    assert!(examples > 100, "{examples} examples");
}

#[tokio::test]
async fn every_code_is_described() {
    let api = description().await;
    let codes = &api["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let codes = codes.as_array().expect("a list");
    let answers: Vec<String> = operations(&api)
        .into_iter()
        .flat_map(|(_, operation)| object(&operation["responses"]).values())
        .map(|answer| answer["description"].to_string())
        .collect();
    for code in ErrorCode::VARIANTS {
        let named = format!("`{code}`");
        let is_answer = *code != ErrorCode::Superseded;
        assert_eq!(codes.contains(&code.name().into()), is_answer, "{code}");
        // No operation has a method that its path has not.
        let is_of_an_operation = is_answer && *code != ErrorCode::MethodNotAllowed;
        assert_eq!(
            answers.iter().any(|said| said.contains(&format!("{named}: "))),
            is_of_an_operation,
            "{code}"
        );
    }
    let ends = &api["components"]["schemas"]["OperationState"]["enum"];
    assert!(ends.as_array().is_some_and(|ends| ends.contains(&ErrorCode::Superseded.name().into())));
}
