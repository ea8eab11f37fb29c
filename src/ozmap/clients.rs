//! Look-ups and writes of one client: its records, its calculated power, its port.

use compact_str::CompactString;
use gateway_core::provisioning::{ClientPatch, NewProperty, PropertyPatch, Write};
use gateway_core::{ClientCode, ClientRecord, Property, Route};
use http::{Method, StatusCode};
use serde_json::Value;

use super::pages::List;
use super::wire::calculated_power;
use super::wire::client_record::{self, ClientOfProperty, PropertyOfClient};
use super::{Ozmap, none_if_missing, wire};
use crate::upstream::{CallError, Idempotency, Request};

/// What OZmap says when it is asked for a client's calculated power.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CalculatedPower {
    /// The routes, dark ones among them; never empty.
    Routes(Vec<Route>),
    /// No fibre leads to the client: 422, or an answer without a route.
    NoRoute,
    /// OZmap knows no such client.
    UnknownClient,
}

impl Ozmap {
    /// The calculated power of a client. Source: `docs/contracts/ozmap-api.md`, "Calculated power".
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn calculated_power(&self, code: &ClientCode) -> Result<CalculatedPower, CallError> {
        let path = calculated_power::path(code);
        let mut request = self.request(Request::get("calculate a client's power", path));
        request.query = vec![("locale".to_owned(), "pt_BR".to_owned())];
        // This answer has the OLT's user and password in it.
        request.may_quote = false;
        match self.upstream.call(request, calculated_power::routes).await {
            Ok(routes) if routes.is_empty() => Ok(CalculatedPower::NoRoute),
            Ok(routes) => Ok(CalculatedPower::Routes(routes)),
            Err(error) => match error.kind.rejected_with() {
                Some(StatusCode::NOT_FOUND) => Ok(CalculatedPower::UnknownClient),
                Some(StatusCode::UNPROCESSABLE_ENTITY) => Ok(CalculatedPower::NoRoute),
                _ => Err(error),
            },
        }
    }

    /// All that OZmap has for a code: nothing, one record, or several where the code is not unique.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn clients_by_code(&self, code: &ClientCode) -> Result<Vec<ClientRecord>, CallError> {
        let request = Request::get("look a client up", ["api", "v2", "properties", "client", code.as_str()]);
        let answer = self.upstream.call(self.request(request), client_record::properties_of_client).await;
        let mut records = Vec::new();
        for property_of_client in none_if_missing(answer)?.unwrap_or_default() {
            let record = match &property_of_client.client {
                ClientOfProperty::Whole(record) => Some((**record).clone()),
                ClientOfProperty::Id(id) => {
                    self.record("read a client", "ftth-clients", id, client_record::client_record).await?
                }
                ClientOfProperty::None => None,
            };
            // A host that ignores what it is asked returns others, too.
            if let Some(record) = record.filter(|record| record.client.code == *code) {
                records.push(ClientRecord {
                    property: Some(self.whole_property(property_of_client).await?),
                    ..record
                });
            }
        }
        if records.is_empty() {
            return self.without_property(code).await;
        }
        Ok(records)
    }

    /// The property with its connections, which decide whose a port is.
    async fn whole_property(&self, property_of_client: PropertyOfClient) -> Result<Property, CallError> {
        if property_of_client.reports_connections {
            return Ok(property_of_client.property);
        }
        let id = property_of_client.property.id.clone();
        let whole =
            self.record("read a property", "properties", &id, client_record::property_of_client).await?;
        Ok(whole.map_or(property_of_client.property, |whole| whole.property))
    }

    /// Clients of a code that have no property.
    async fn without_property(&self, code: &ClientCode) -> Result<Vec<ClientRecord>, CallError> {
        let list = List {
            operation: "look a client up",
            route: "ftth-clients",
            select: client_record::CLIENT_RECORD_FIELDS,
            populate: None,
            filter: Some(client_record::filter_by_code(code)),
        };
        match self.of_code(&list, code).await {
            Err(error) => match list.unfiltered(&error) {
                Some(all) => self.of_code(&all, code).await,
                None => Err(error),
            },
            records => records,
        }
    }

    /// Each row is looked at, because a host may ignore the filter.
    async fn of_code(&self, list: &List, code: &ClientCode) -> Result<Vec<ClientRecord>, CallError> {
        let mut records: Vec<ClientRecord> = Vec::new();
        self.each_row(list, client_record::client_record, |record| {
            records.extend(record.ok().filter(|record| record.client.code == *code));
        })
        .await?;
        Ok(records)
    }

    /// A client's code as OZmap holds it, where that is this code with blanks around it; no other look-up finds it.
    ///
    /// Inferred: `like` finds what contains the text. A host that ignores the filter gives others, which are looked at and left.
    ///
    /// # Errors
    /// [`CallError`]; a host that refuses the filter has no such client.
    pub(crate) async fn code_with_blanks(
        &self,
        code: &ClientCode,
    ) -> Result<Option<CompactString>, CallError> {
        let mut request =
            self.request(Request::get("look for a code with blanks", wire::path("ftth-clients")));
        let filter = client_record::filter_by_code_alike(code).to_string();
        let query = [("page", "1"), ("limit", "50"), ("select", "code"), ("filter", &filter)];
        request.query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        request.page_may_pass = false;
        let answer = self.upstream.call(request, |body| {
            let mut held = None;
            wire::page(body, &mut |row| {
                held = held.take().or_else(|| client_record::code_with_blanks(row, code));
            })?;
            Ok(held)
        });
        match answer.await {
            Err(error) if error.kind.is_rejection() => Ok(None),
            answer => answer,
        }
    }

    /// Carries one write out.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn carry_out(&self, write: &Write) -> Result<(), CallError> {
        match write {
            Write::CreateProperty(property) => self.create_property(property).await,
            Write::PatchProperty(patch) => self.patch_property(patch).await,
            Write::PatchClient(patch) => self.patch_client(patch).await,
        }
    }

    /// Creates a property, with its client where it is new. Not repeated: what became of a create whose answer was lost
    /// has to be looked up.
    async fn create_property(&self, property: &NewProperty) -> Result<(), CallError> {
        self.send(
            "create a property",
            Method::POST,
            "properties",
            client_record::new_property_body(property),
            Idempotency::NotIdempotent,
        )
        .await
    }

    /// Changes a property. A full-value update: safe to repeat.
    async fn patch_property(&self, patch: &PropertyPatch) -> Result<(), CallError> {
        let (route, body) = (format!("properties/{}", patch.id), client_record::property_patch_body(patch));
        self.send("update a property", Method::PATCH, &route, body, Idempotency::Idempotent).await
    }

    /// Changes a client record. A full-value update: safe to repeat.
    async fn patch_client(&self, patch: &ClientPatch) -> Result<(), CallError> {
        let (route, body) = (format!("ftth-clients/{}", patch.id), client_record::client_patch_body(patch));
        self.send("update a client", Method::PATCH, &route, body, Idempotency::Idempotent).await
    }

    /// OZmap accepted something and did not do it.
    pub(crate) fn not_applied(&self, operation: &'static str, what: &str) -> CallError {
        self.upstream.malformed(operation, what)
    }

    async fn send(
        &self,
        operation: &'static str,
        method: Method,
        route: &str,
        body: Value,
        repeat: Idempotency,
    ) -> Result<(), CallError> {
        self.write(Request::with_body(operation, method, wire::path(route), body, repeat)).await
    }
}
