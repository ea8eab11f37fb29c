//! The bulk read: one row per ONU, page by page.

mod collected;
mod page;
mod walk;

use collected::Collected;
use gateway_core::sync::{Finding, Reading, RowShape};
use page::Page;
use walk::Walk;

use super::{Api, wire};
use crate::upstream::{CallError, Idempotency, Request};

/// What it is called in errors and logs.
const OPERATION: &str = "read all ONUs";

/// INT6's side of a run.
#[derive(Debug, Default)]
pub struct Readings {
    /// Readable rows, as they came; one code may stand more than once, one row does not.
    pub readings: Vec<Reading>,
    /// Rows and fields that could not be understood, and what is odd about the list.
    pub findings: Vec<Finding>,
    /// What the rows look like as a whole.
    pub shape: RowShape,
    /// How the list ended.
    pub end: ListEnd,
}

/// How INT6's list ended. Source: `docs/contracts/int6-api.md`, "Pages of the bulk read".
#[derive(Debug, Clone, Default)]
pub enum ListEnd {
    /// With a short page, with nothing behind a full one, or where it began anew.
    #[default]
    Whole,
    /// A full page had only rows that were there before, and neither of the list's beginning nor of the page before: a finding tells.
    Repeated,
    /// A full page was followed by a refusal or by something that is no page. Perhaps that is this host's way to end a list.
    Refused(CallError),
}

/// A look at the first rows.
#[derive(Debug)]
pub struct Sample {
    /// Rows that came, at most as many as were asked for unless the host gives more.
    pub rows: usize,
    /// Those that can be read.
    pub readings: Vec<Reading>,
    /// Of those and the others.
    pub findings: Vec<Finding>,
    /// What they look like as a whole.
    pub shape: RowShape,
}

impl Api {
    /// Every row of the bulk read. `progress` gets the number of readable rows so far.
    ///
    /// # Errors
    /// [`CallError`] if a page cannot be had after repeats; a bad row is set aside instead. A host that answers with a refusal
    /// behind a full page has perhaps ended: [`ListEnd::Refused`].
    pub(crate) async fn readings(&self, progress: impl Fn(u64)) -> Result<Readings, CallError> {
        let first = self.page(1, self.settings.page_size).await?;
        let mut all = Collected::new(first);
        progress(all.len());
        let end = Walk::new(self, &all).to_the_end(&mut all, progress).await?;
        Ok(all.into_readings(end))
    }

    /// The first rows, as they are read here.
    ///
    /// # Errors
    /// [`CallError`], as [`Api::readings`].
    pub async fn sample(&self, rows: usize) -> Result<Sample, CallError> {
        let page = self.page(1, rows).await?;
        let rows = page.len();
        let Readings { readings, findings, shape, end: _ } =
            Collected::new(page).into_readings(ListEnd::Whole);
        Ok(Sample { rows, readings, findings, shape })
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
