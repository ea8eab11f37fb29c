//! What a key's role may do. A route that nobody thought of is an operator's, and to be looked at a viewer's.

use axum::http::Method;
use gateway_core::ErrorCode;

use super::problem::Problem;
use crate::key::Role;

/// Where INT6 works.
const OF_INT6: [&str; 4] = ["clients", "splitters", "operations", "activations"];

/// Refuses what the role may not do on this route, by its template.
///
/// Source: `docs/contracts/gateway-api.md`, "Roles".
pub(super) fn permitted(role: Role, method: &Method, route: &str) -> Result<(), Problem> {
    let is_permitted = match role {
        Role::Operator => true,
        Role::Viewer => *method == Method::GET || *method == Method::HEAD,
        Role::Int6 => is_of_int6(route),
    };
    if is_permitted {
        return Ok(());
    }
    let needed = match (is_of_int6(route), role) {
        (true, _) => "int6 or operator",
        (false, Role::Int6) if *method == Method::GET => "operator or viewer",
        (false, _) => "operator",
    };
    let detail = format!("The key's role is {}; this needs a key of the role {needed}.", role.name());
    Err(Problem::new(ErrorCode::NotPermitted, detail))
}

fn is_of_int6(route: &str) -> bool {
    let place = route.strip_prefix("/v1/").and_then(|rest| rest.split('/').next());
    place.is_some_and(|place| OF_INT6.contains(&place))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Role::Int6, "PUT", "/v1/clients/{code}/activation", None)]
    #[case(Role::Int6, "POST", "/v1/clients", None)]
    #[case(Role::Int6, "GET", "/v1/activations", None)]
    #[case(Role::Int6, "GET", "/v1/sync-runs", Some("operator or viewer"))]
    #[case(Role::Int6, "POST", "/v1/sync-runs", Some("operator"))]
    #[case(Role::Int6, "GET", "/v1/clients-of-tomorrow", Some("operator or viewer"))]
    #[case(Role::Viewer, "GET", "/v1/what-comes-tomorrow", None)]
    #[case(Role::Viewer, "HEAD", "/v1/sync-runs", None)]
    #[case(Role::Viewer, "PUT", "/v1/clients/{code}/activation", Some("int6 or operator"))]
    #[case(Role::Viewer, "DELETE", "/v1/what-comes-tomorrow", Some("operator"))]
    #[case(Role::Operator, "DELETE", "/v1/what-comes-tomorrow", None)]
    fn a_role_goes_so_far_and_the_refusal_says_whose_it_is(
        #[case] role: Role,
        #[case] method: Method,
        #[case] route: &str,
        #[case] needed: Option<&str>,
    ) {
        let refused = permitted(role, &method, route).err().map(|problem| problem.body("x").detail);
        let expected = needed.map(|needed| {
            format!("The key's role is {}; this needs a key of the role {needed}.", role.name())
        });
        assert_eq!(refused, expected);
    }
}
