//! One page of rows.

use gateway_core::sync::RowShape;

use super::super::wire::page;
use super::super::wire::row::{OnuRow, RowRules, row};
use crate::upstream::WireError;

/// The rows of a page, read.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<OnuRow>,
    pub(super) shape: RowShape,
}

impl Page {
    /// Reads the page of this number; beyond the first it may say nothing at all.
    pub(super) fn read(number: usize, body: &[u8], rules: &RowRules<'_>) -> Result<Page, WireError> {
        let Page { mut rows, mut shape } = Page::default();
        let said = page::rows(body, rules.fields, &mut |raw| rows.push(row(raw, rules, &mut shape)))?;
        match said {
            None if number == 1 => {
                Err(WireError::Shape("the answer has an empty body; a list of ONUs is expected"))
            }
            _ => Ok(Page { rows, shape }),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Which ONUs its rows are of, in their order.
    pub(super) fn onus(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().map(|row| row.identity.onu)
    }
}
