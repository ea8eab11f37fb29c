//! In what a town or an installation differs from the usual.

/// In what a town or an installation differs from the usual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// Clients in a thousand that are implanted and have no light.
    pub(crate) dark: usize,
    /// Whether every ONU is known to both systems; else a tenth of them to neither.
    pub(crate) all_known: bool,
    /// As in [`Options`](crate::Options).
    pub(crate) next_urls: bool,
    /// As in [`Options`](crate::Options).
    pub(crate) batch_update: bool,
}
