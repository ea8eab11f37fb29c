//! Identifiers that look like OZmap's, and ascend in order of creation.

use std::fmt;

/// What a record is; part of its identifier, so that no two collections share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Kind {
    Project = 1,
    BoxType,
    BuildingType,
    SplitterType,
    Pop,
    Shelf,
    Olt,
    Slot,
    Pon,
    Box,
    Building,
    Splitter,
    Property,
    Client,
    /// The drop cable of a property: same number as the property.
    Drop,
    /// The fibre of a drop cable: same number as the property.
    Fiber,
}

impl Kind {
    const ALL: [Kind; 16] = [
        Kind::Project,
        Kind::BoxType,
        Kind::BuildingType,
        Kind::SplitterType,
        Kind::Pop,
        Kind::Shelf,
        Kind::Olt,
        Kind::Slot,
        Kind::Pon,
        Kind::Box,
        Kind::Building,
        Kind::Splitter,
        Kind::Property,
        Kind::Client,
        Kind::Drop,
        Kind::Fiber,
    ];

    /// The collection that a route names, e.g. `ftth-clients`.
    pub(crate) fn from_route(route: &str) -> Option<Kind> {
        Some(match route {
            "projects" => Kind::Project,
            "box-types" => Kind::BoxType,
            "building-types" => Kind::BuildingType,
            "splitter-types" => Kind::SplitterType,
            "pops" => Kind::Pop,
            "shelves" => Kind::Shelf,
            "olts" => Kind::Olt,
            "slots" => Kind::Slot,
            "pons" => Kind::Pon,
            "boxes" => Kind::Box,
            "buildings" => Kind::Building,
            "splitters" => Kind::Splitter,
            "properties" => Kind::Property,
            "ftth-clients" => Kind::Client,
            _ => return None,
        })
    }
}

/// A record's identifier; 24 lower-case hexadecimal digits outside, half as long inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    kind: Kind,
    number: u32,
}

/// The digits around kind and number; they look like a creation time and a machine.
const TIME: &str = "68e2a1b0";
const MACHINE: &str = "c0ffee00";
/// Six digits are left for the number.
const NUMBER_LIMIT: u32 = 1 << 24;

impl Id {
    pub(crate) fn new(kind: Kind, number: u32) -> Id {
        Id { kind, number: number % NUMBER_LIMIT }
    }

    pub(crate) fn kind(self) -> Kind {
        self.kind
    }

    /// The first possible identifier of a kind.
    pub(crate) fn first(kind: Kind) -> Id {
        Id { kind, number: 0 }
    }

    /// The last possible identifier of a kind.
    pub(crate) fn last(kind: Kind) -> Id {
        Id { kind, number: NUMBER_LIMIT - 1 }
    }

    /// The record of another kind with the same number: a property's drop cable and back.
    pub(crate) fn as_kind(self, kind: Kind) -> Id {
        Id { kind, ..self }
    }

    /// Reads an identifier; anything this sandbox cannot have given out is `None`.
    pub(crate) fn parse(text: &str) -> Option<Id> {
        let rest = text.strip_prefix(TIME)?;
        let (kind, rest) = rest.split_at_checked(2)?;
        let number = rest.strip_prefix(MACHINE)?;
        let lower_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if number.len() != 6 || !lower_hex(kind) || !lower_hex(number) {
            return None;
        }
        let kind = u8::from_str_radix(kind, 16).ok()?;
        let kind = Kind::ALL.into_iter().find(|known| *known as u8 == kind)?;
        Some(Id { kind, number: u32::from_str_radix(number, 16).ok()? })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TIME}{:02x}{MACHINE}{:06x}", self.kind as u8, self.number)
    }
}

impl From<Id> for serde_json::Value {
    fn from(id: Id) -> Self {
        serde_json::Value::String(id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_24_digits() {
        let id = Id::new(Kind::Fiber, 77);
        assert_eq!(id.to_string().len(), 24);
        assert_eq!(Id::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn foreign_ids_are_unknown() {
        for text in
            ["", "x", "68e2a1b0ffc0ffee00000001", "é8e2a1b001c0ffee00000001", "68e2a1b00éc0ffee00000001"]
        {
            assert_eq!(Id::parse(text), None, "{text}");
        }
        assert_eq!(Id::parse("68e2a1b001c0ffee00+00001"), None);
    }
}
