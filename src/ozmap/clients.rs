//! Look-ups and writes of one client: its records, its calculated power, its port.

use std::collections::HashMap;

use compact_str::CompactString;
use gateway_core::provisioning::{ClientPatch, NewProperty, PropertyPatch, Write};
use gateway_core::{ClientCode, ClientRecord, Property, RecordId, Route};
use http::{Method, StatusCode};
use serde_json::Value;

use super::pages::List;
use super::walk::At;
use super::wire::calculated_power;
use super::wire::client_record::{self, ClientOfProperty, PropertyOfClient};
use super::{Ozmap, none_if_missing, wire};
use crate::upstream::{CallError, Idempotency, Request};

/// Rows of a page that is asked for the clients of one code: more is not its filter's answer.
const FEW: usize = 10;

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
            Err(error) if error.kind.is_refused_by_a_page() => Err(error),
            Err(error) => match error.kind.rejected_with() {
                Some(StatusCode::NOT_FOUND) => Ok(CalculatedPower::UnknownClient),
                Some(StatusCode::UNPROCESSABLE_ENTITY) => Ok(CalculatedPower::NoRoute),
                _ => Err(error),
            },
        }
    }

    /// All that OZmap has for a code by one question: records with a property. Only where it has none, the list of clients is
    /// asked, which has those without one.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn clients_by_code(&self, code: &ClientCode) -> Result<Vec<ClientRecord>, CallError> {
        let records = self.with_property(code).await?;
        if !records.is_empty() {
            return Ok(records);
        }
        let listed = self.listed(code).await?;
        self.completed(code, listed).await
    }

    /// All that OZmap has for a code, with a property and without one: nothing, one record, or several where the code is not
    /// unique. Two independent questions say that there is none; what only one of them knows is asked for once more.
    /// `listed_before` is what the list said of the code not long ago.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn all_of_code(
        &self,
        code: &ClientCode,
        listed_before: Option<Vec<ClientRecord>>,
    ) -> Result<Vec<ClientRecord>, CallError> {
        let listed = async {
            match listed_before {
                Some(listed) => Ok(Some(listed)),
                None => self.first_listed(code).await,
            }
        };
        let (records, listed) = tokio::join!(self.with_property(code), listed);
        let mut records = records?;
        let listed = match listed {
            Ok(Some(listed)) => listed,
            // The list does not say, or not by a filter.
            Ok(None) if records.is_empty() => self.listed(code).await?,
            Err(error) if error.kind.is_rejection() && records.is_empty() => self.listed(code).await?,
            Err(error) if !error.kind.is_rejection() => return Err(error),
            Ok(None) | Err(_) => Vec::new(),
        };
        let is_new = |one: &ClientRecord| records.iter().all(|record| record.client.id != one.client.id);
        let others = listed.into_iter().filter(is_new).collect();
        records.extend(self.completed(code, others).await?);
        Ok(records)
    }

    /// Records of clients that have a property.
    async fn with_property(&self, code: &ClientCode) -> Result<Vec<ClientRecord>, CallError> {
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
        Ok(records)
    }

    /// Clients that the list has and the question for properties did not: without a property, or with one that the answer left
    /// out. Another look by the client's code, and one by its identifier, tell.
    async fn completed(
        &self,
        code: &ClientCode,
        listed: Vec<ClientRecord>,
    ) -> Result<Vec<ClientRecord>, CallError> {
        if listed.is_empty() {
            return Ok(listed);
        }
        let again = self.with_property(code).await?;
        let mut records = Vec::with_capacity(listed.len());
        for record in listed {
            match again.iter().find(|again| again.client.id == record.client.id) {
                Some(whole) => records.push(whole.clone()),
                None => {
                    let property = self.property_of(&record.client.id).await?;
                    records.push(ClientRecord { property, ..record });
                }
            }
        }
        Ok(records)
    }

    /// A client's property, looked up in the list of properties; `None` if it has none, or the list cannot be asked so.
    async fn property_of(&self, client: &RecordId) -> Result<Option<Property>, CallError> {
        let mut request = self.request(Request::get("look a client's property up", wire::path("properties")));
        let filter = client_record::filter_by_client(client).to_string();
        let query = [("page", "1"), ("limit", "5"), ("populate", "client"), ("filter", &filter)];
        request.query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        request.page_may_pass = false;
        let answer = self.upstream.call(request, |body| {
            let mut found = None;
            wire::page(body, &mut |row| {
                let row = client_record::property_of_client(row).ok();
                found = found.take().or_else(|| row.filter(|row| row.client.is(client)));
            })?;
            Ok(found)
        });
        match answer.await {
            Ok(Some(found)) => self.whole_property(found).await.map(Some),
            Ok(None) => Ok(None),
            Err(error) if error.kind.is_rejection() => Ok(None),
            Err(error) => Err(error),
        }
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

    /// Clients of a code by the first page of the list; `None` if that does not say for sure who they are.
    async fn first_listed(&self, code: &ClientCode) -> Result<Option<Vec<ClientRecord>>, CallError> {
        let few = Ozmap { page_size: FEW, ..self.clone() };
        let (info, rows) = few.page(&clients_of(code), &At::Page(1), client_record::client_record).await?;
        let (mut records, mut is_sure) = (Vec::new(), info.rows < FEW && info.has_next != Some(true));
        for row in rows {
            match row {
                Ok(record) if record.client.code == *code => records.push(record),
                // The filter is ignored, or the row cannot be read.
                Ok(_) | Err(_) => is_sure = false,
            }
        }
        Ok(is_sure.then_some(records))
    }

    /// Clients of some codes by one page of the list, for who will look at each of them soon; nothing if it does not say for
    /// sure who they are.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn listed_together(
        &self,
        codes: &[ClientCode],
    ) -> Result<HashMap<ClientCode, Vec<ClientRecord>>, CallError> {
        let list = List { filter: Some(client_record::filter_by_codes(codes)), ..clients_of(&codes[0]) };
        let page_size = codes.len() * 2 + FEW;
        let all = Ozmap { page_size, ..self.clone() };
        let (info, rows) = all.page(&list, &At::Page(1), client_record::client_record).await?;
        let mut listed: HashMap<_, _> = codes.iter().map(|code| (code.clone(), Vec::new())).collect();
        let mut is_sure = info.rows < page_size && info.has_next != Some(true);
        for row in rows {
            match row.ok().and_then(|record| Some((listed.get_mut(&record.client.code)?, record))) {
                Some((of_code, record)) => of_code.push(record),
                None => is_sure = false,
            }
        }
        Ok(if is_sure { listed } else { HashMap::new() })
    }

    /// Clients of a code by the list of clients.
    async fn listed(&self, code: &ClientCode) -> Result<Vec<ClientRecord>, CallError> {
        let list = clients_of(code);
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
    /// [`CallError`]; also if the code is there after all. A host that refuses the filter has no such client.
    pub(crate) async fn code_with_blanks(
        &self,
        code: &ClientCode,
    ) -> Result<Option<CompactString>, CallError> {
        const OPERATION: &str = "look for a code with blanks";
        let mut request = self.request(Request::get(OPERATION, wire::path("ftth-clients")));
        let filter = client_record::filter_by_code_alike(code).to_string();
        let query = [("page", "1"), ("limit", "50"), ("select", "code"), ("filter", &filter)];
        request.query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        request.page_may_pass = false;
        let answer = self.upstream.call(request, |body| {
            let (mut held, mut is_there) = (None, false);
            wire::page(body, &mut |row| match client_record::code_with_blanks(row, code) {
                Some(alike) => drop(held.get_or_insert(alike)),
                None => is_there |= client_record::has_code(row, code),
            })?;
            Ok((held, is_there))
        });
        match answer.await {
            Ok((_, true)) => {
                Err(self.not_applied(OPERATION, "the client is there, which was not there before"))
            }
            Ok((held, false)) => Ok(held),
            Err(error) if error.kind.is_rejection() => Ok(None),
            Err(error) => Err(error),
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

/// The list of clients of one code.
fn clients_of(code: &ClientCode) -> List {
    List {
        operation: "look a client up",
        route: "ftth-clients",
        select: client_record::CLIENT_RECORD_FIELDS,
        populate: None,
        filter: Some(client_record::filter_by_code(code)),
    }
}
