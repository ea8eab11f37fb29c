//! The bulk read: one row per ONU, page by page.

mod collected;
mod page;
mod readings;
mod sample;
mod walk;

use collected::Collected;
use page::Page;
use readings::OPERATION;
pub use readings::{ReadingEnd, Readings};
pub use sample::{Sample, SecondPage};
use walk::PageWalk;

use super::{Api, wire};
use crate::upstream::{CallError, Idempotency, Request};

impl Api {
    /// Every row of the bulk read. `progress` gets the number of readable rows so far.
    ///
    /// # Errors
    /// [`CallError`] if a page cannot be had after repeats; a bad row is set aside instead. A host that answers with a refusal
    /// behind a full page has perhaps ended: [`ReadingEnd::Refused`].
    pub(crate) async fn readings(&self, progress: impl Fn(u64)) -> Result<Readings, CallError> {
        let first = self.page(1, self.settings.page_size).await?;
        let mut all = Collected::new(first);
        progress(all.len());
        let end = PageWalk::new(self, &all).until_the_end(&mut all, progress).await?;
        Ok(all.into_readings(end))
    }

    /// One page that is needed.
    async fn page(&self, number: usize, size: usize) -> Result<Page, CallError> {
        self.ask(number, size, Idempotency::Idempotent).await
    }

    /// One page that may lie beyond the end: asked for once, so that a host that fails there is not asked again and again.
    async fn glance(&self, number: usize, size: usize) -> Result<Page, CallError> {
        self.ask(number, size, Idempotency::NotIdempotent).await
    }

    /// Past the end some hosts answer 404, which is an empty page.
    async fn ask(&self, number: usize, size: usize, repeat: Idempotency) -> Result<Page, CallError> {
        let mut request = Request::get(OPERATION, wire::path(&self.settings.status_path));
        request.query = wire::page_query(number, size);
        request.repeat = repeat;
        let answer = self.call(request, |body| Page::read(number, body, &self.settings.row_rules())).await;
        match answer {
            Err(error) if number > 1 && error.kind.rejected_with().is_some_and(|s| s.as_u16() == 404) => {
                Ok(Page::default())
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
