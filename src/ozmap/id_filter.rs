//! Whether the host gives exactly the records that a filter names; seen on a read before anything rests on it.

use gateway_core::RecordId;

use super::capabilities::IdFilter;
use super::{Ozmap, wire};
use crate::upstream::{CallError, Kind, Request};

/// Records by which a filter is tried.
const TRIED_WITH: usize = 3;

/// What came of a try.
enum Tried {
    /// Exactly the records named.
    Honoured,
    /// Others, none, or the host does not know the property.
    Ignored,
    /// Something that no host says that understands the question.
    Disliked(CallError),
}

impl Ozmap {
    /// By which property a filter names records of a route; at first, that is tried with some of these records.
    ///
    /// Why: `?code=X` is silently ignored and returns everyone. Were a batch's filter ignored like that, one value would land on
    /// every client of the ISP. A firewall that dislikes filters answers 403 or a page of its own; it is told from a refused key
    /// by a question without a filter.
    ///
    /// # Errors
    /// [`CallError`] if the host cannot be asked.
    pub(super) async fn id_filter(
        &self,
        route: &'static str,
        ids: &[&RecordId],
    ) -> Result<IdFilter, CallError> {
        if let Some(known) = self.capabilities.id_filter(route) {
            return Ok(known);
        }
        let _one_at_a_time = self.capabilities.trying_filter.lock().await;
        if let Some(known) = self.capabilities.id_filter(route) {
            return Ok(known);
        }
        let ids = &ids[..ids.len().min(TRIED_WITH)];
        let mut disliked = None;
        for property in wire::ID_PROPERTIES {
            match self.try_filter(route, property, ids).await? {
                Tried::Honoured => {
                    self.capabilities.learn_id_filter(route, IdFilter::By(property));
                    return Ok(IdFilter::By(property));
                }
                Tried::Ignored => (),
                Tried::Disliked(error) => disliked = Some(error),
            }
        }
        match disliked {
            Some(error) => self.blame_filter(&error).await?,
            None => {
                tracing::warn!(system = "OZmap", route, "the host does not honour filters by identifier");
                self.capabilities.learn_id_filter(route, IdFilter::Unusable);
            }
        }
        Ok(IdFilter::Unusable)
    }

    /// Asks something without a filter: what answers that dislikes the filter, and not the key.
    ///
    /// # Errors
    /// [`CallError`] if that fails, too.
    async fn blame_filter(&self, error: &CallError) -> Result<(), CallError> {
        self.check().await?;
        tracing::warn!(system = "OZmap", %error, "requests with a filter are disliked: none is sent for a while");
        self.capabilities.learn_no_filters();
        Ok(())
    }

    async fn try_filter(&self, route: &str, property: &str, ids: &[&RecordId]) -> Result<Tried, CallError> {
        const OPERATION: &str = "try a filter";
        let mut request = self.request(Request::get(OPERATION, wire::path(route)));
        let filter = wire::filter_by_id(property, ids.iter().copied()).to_string();
        let query = [("page", "1".to_owned()), ("limit", "25".to_owned()), ("filter", filter)];
        request.query = query.map(|(name, value)| (name.to_owned(), value)).into();
        request.page_may_pass = false;
        // What is no list is not asked for again: a firewall says the same each time.
        let answer = self.upstream.call(request, |body| {
            let mut found = Vec::new();
            Ok(wire::page(body, &mut |row| found.push(wire::id_of(row))).map(|info| (info, found)))
        });
        match answer.await {
            Ok(Ok((info, found))) => {
                let honoured = !found.is_empty()
                    && info.total.is_none_or(|total| total <= ids.len() as u64)
                    && found.iter().all(|id| id.as_ref().is_some_and(|id| ids.contains(&id)));
                Ok(if honoured { Tried::Honoured } else { Tried::Ignored })
            }
            Ok(Err(what)) => Ok(Tried::Disliked(self.upstream.malformed(OPERATION, what))),
            Err(error) => match error.kind {
                Kind::Rejected { .. } => Ok(Tried::Ignored),
                Kind::Unauthorized { .. } | Kind::Malformed { .. } | Kind::Page { .. } => {
                    Ok(Tried::Disliked(error))
                }
                _ => Err(error),
            },
        }
    }
}
