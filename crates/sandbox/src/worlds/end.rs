//! How a run may end, and the fields that it may hold.

/// A field that the sync writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorldField {
    /// The read power of the property.
    ReadPower,
    /// OK or error.
    Status,
    /// Whether the client is implanted.
    Implantation,
    /// Serial number, PPPoE user and MAC address.
    Onu,
}

/// Every field at once.
pub(crate) const ALL_FIELDS: &[WorldField] =
    &[WorldField::ReadPower, WorldField::Status, WorldField::Implantation, WorldField::Onu];
/// What follows from a reading.
pub(crate) const READING_FIELDS: &[WorldField] =
    &[WorldField::ReadPower, WorldField::Status, WorldField::Implantation];

/// How a run of the gateway may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorldEnd {
    /// Finished, with nothing held.
    Finished,
    /// Finished, with something held, all of it in these fields.
    Held(&'static [WorldField]),
    /// Halted: nothing is written until a person has looked.
    Halted,
    /// Failed: one of the systems could not be read.
    Failed,
}
