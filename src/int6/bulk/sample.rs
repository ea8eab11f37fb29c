//! A look at INT6's first rows, for who judges what they say.

use std::collections::HashSet;

use gateway_core::sync::{Finding, Reading, RowShape};

use super::super::Api;
use super::collected::Collected;
use super::readings::{ReadingEnd, Readings};
use crate::upstream::CallError;

/// A look at the first rows.
#[derive(Debug, Default)]
pub struct Sample {
    /// Rows that were asked for.
    pub asked: usize,
    /// Rows that came, at most as many as were asked for unless the host gives more.
    pub rows: usize,
    /// Those that can be read.
    pub readings: Vec<Reading>,
    /// Of those and the others.
    pub findings: Vec<Finding>,
    /// What they look like as a whole.
    pub shape: RowShape,
    onus: HashSet<u64>,
}

/// What the second page is beside the first.
#[derive(Debug, Clone)]
pub enum SecondPage {
    /// So many rows of other ONUs.
    Others(usize),
    /// Rows, and all of ONUs that were on the first: the host ignores `page`.
    Same,
    /// No rows: the list has ended.
    Nothing,
    /// Some hosts end their list so.
    Refused(CallError),
}

impl Api {
    /// The first rows, as they are read here.
    ///
    /// # Errors
    /// [`CallError`] if the page cannot be had after repeats; a bad row is set aside instead.
    pub async fn sample(&self, rows: usize) -> Result<Sample, CallError> {
        let page = self.page(1, rows).await?;
        let (asked, rows, onus) = (rows, page.len(), page.onus().collect());
        let Readings { readings, findings, shape, end: _ } =
            Collected::new(page).into_readings(ReadingEnd::Whole);
        Ok(Sample { asked, rows, readings, findings, shape, onus })
    }

    /// What comes behind the rows of a sample; asked for once.
    pub async fn second_page(&self, first: &Sample) -> SecondPage {
        match self.glance(2, first.asked).await {
            Ok(page) if page.len() == 0 => SecondPage::Nothing,
            Ok(page) => match page.onus().filter(|onu| !first.onus.contains(onu)).count() {
                0 => SecondPage::Same,
                others => SecondPage::Others(others),
            },
            Err(error) => SecondPage::Refused(error),
        }
    }
}
