//! A look at OZmap, for who judges whether it can be worked with; nothing is written, and no list is read to its end.

use gateway_core::{ClientCode, RecordId};
use serde_json::value::RawValue;

use super::capabilities::IdFilter;
use super::pages::List;
use super::reader::PROPERTIES;
use super::walk::At;
use super::wire::client_record::{self, ClientOfProperty};
use super::wire::{self, BareProperty, ClientReference};
use super::{Ozmap, none_if_missing};
use crate::upstream::{CallError, Request, RowError};

/// A list that the gateway reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListRoute {
    /// What the sync reads.
    Properties,
    /// The same.
    Clients,
    /// What the mirror reads, and activations.
    Splitters,
    /// What the mirror reads.
    Boxes,
    /// The same.
    Buildings,
}

/// What the first properties look like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// Rows that came.
    pub rows: usize,
    /// How many there are, if OZmap says.
    pub total: Option<u64>,
    /// The properties that can be read.
    pub properties: Vec<RecordId>,
    /// Codes of the clients that came with their properties.
    pub codes: Vec<ClientCode>,
    /// Properties that name their client by identifier only.
    pub by_identifier: usize,
    /// Properties with a read power.
    pub with_read_power: usize,
    /// Why rows cannot be read.
    pub unreadable: Vec<String>,
    /// Fields that are not understood, and how they count.
    pub unclear: Vec<String>,
}

impl ListRoute {
    /// Its path below the API's.
    pub fn path(self) -> &'static str {
        match self {
            ListRoute::Properties => wire::PROPERTIES_ROUTE,
            ListRoute::Clients => wire::CLIENTS_ROUTE,
            ListRoute::Splitters => "splitters",
            ListRoute::Boxes => "boxes",
            ListRoute::Buildings => "buildings",
        }
    }
}

impl Ozmap {
    /// The first properties with their clients, as the sync reads them.
    ///
    /// # Errors
    /// [`CallError`]; a bad row is set aside instead.
    pub async fn look(&self, rows: usize) -> Result<Look, CallError> {
        let few = Ozmap { page_size: rows, ..self.clone() };
        let (info, rows) = few.page(&PROPERTIES, &At::Page(1), wire::property).await?;
        let mut look = Look { rows: rows.len(), total: info.total, ..Look::default() };
        rows.into_iter().for_each(|row| look.take(row));
        Ok(look)
    }

    /// Whether a filter by identifier gives exactly these properties; the sync's batches rest on it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn honours_id_filter(&self, properties: &[RecordId]) -> Result<bool, CallError> {
        let ids: Vec<&RecordId> = properties.iter().collect();
        let filter = self.id_filter(wire::PROPERTIES_ROUTE, &ids).await?;
        Ok(matches!(filter, IdFilter::By(_)))
    }

    /// Reads one row of a list: whether the key may.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn may_read(&self, route: ListRoute) -> Result<(), CallError> {
        let one = Ozmap { page_size: 1, ..self.clone() };
        let list = List {
            operation: "try to read a list",
            route: route.path(),
            select: "id",
            populate: None,
            filter: None,
        };
        one.page(&list, &At::Page(1), |_| ()).await.map(drop)
    }

    /// Asks for the calculated power of a client, whatever it is: whether the key may.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn may_calculate(&self, code: &ClientCode) -> Result<(), CallError> {
        self.calculated_power(code).await.map(drop)
    }

    /// Whether there is a client of this code, by two calls at most.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn knows(&self, code: &ClientCode) -> Result<bool, CallError> {
        const OPERATION: &str = "look a code up";
        let request = Request::get(OPERATION, ["api", "v2", "properties", "client", code.as_str()]);
        let answer = self.upstream.call(self.request(request), client_record::properties_of_client).await;
        let is_it = |client: &ClientOfProperty| match client {
            ClientOfProperty::Whole(record) => record.client.code == *code,
            ClientOfProperty::Id(_) => true,
            ClientOfProperty::None => false,
        };
        if none_if_missing(answer)?.unwrap_or_default().iter().any(|found| is_it(&found.client)) {
            return Ok(true);
        }
        let list = List {
            operation: OPERATION,
            route: wire::CLIENTS_ROUTE,
            select: client_record::CLIENT_RECORD_FIELDS,
            populate: None,
            filter: Some(client_record::filter_by_code(code)),
        };
        let few = Ozmap { page_size: 5, ..self.clone() };
        let has_code = |row: &RawValue| {
            client_record::client_record(row).is_ok_and(|record| record.client.code == *code)
        };
        match few.page(&list, &At::Page(1), has_code).await {
            Ok((_, rows)) => Ok(rows.contains(&true)),
            // Something in front of the host dislikes filters; that is told elsewhere.
            Err(error) if list.unfiltered(&error).is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Look {
    fn take(&mut self, row: Result<BareProperty, RowError>) {
        let BareProperty { id, read_power, client, unclear, project: _ } = match row {
            Ok(property) => property,
            Err(error) => return self.unreadable.push(error.what.to_string()),
        };
        self.properties.push(id);
        self.with_read_power += usize::from(read_power.is_some());
        self.unclear.extend(unclear.iter().map(|field| format!("`{}` {}", field.name, field.counts_as)));
        match client {
            Some(ClientReference::Whole(client)) => self.codes.push(client.code),
            Some(ClientReference::Id(_)) => self.by_identifier += 1,
            None => (),
        }
    }
}
