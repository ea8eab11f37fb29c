//! Some of the fields that the sync may write.

use strum::VariantArray;

use crate::sync::change::Field;

/// A set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields(u8);

impl Fields {
    /// No field.
    pub const NONE: Fields = Fields(0);
    /// Every field.
    pub const ALL: Fields = Fields((1 << Field::VARIANTS.len()) - 1);

    /// Whether the field is among them.
    pub fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u8) != 0
    }

    /// The same with this field.
    pub fn with(self, field: Field) -> Fields {
        Fields(self.0 | (1 << field as u8))
    }

    /// The same without this field.
    pub fn without(self, field: Field) -> Fields {
        Fields(self.0 & !(1 << field as u8))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields, in their order.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::VARIANTS.iter().copied().filter(move |field| self.contains(*field))
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Fields {
        fields.into_iter().fold(Fields::NONE, Fields::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        assert_eq!(Fields::ALL.iter().count(), Field::VARIANTS.len());
        let some: Fields = [Field::Onu, Field::Status].into_iter().collect();
        assert_eq!(some.iter().collect::<Vec<_>>(), [Field::Status, Field::Onu]);
        assert!(!some.without(Field::Status).contains(Field::Status));
        assert!(Fields::NONE.is_empty() && !some.is_empty());
    }
}
