//! Words of closed lists, as the API writes and reads them.

use std::borrow::Cow;
use std::str::FromStr;

use gateway_core::provisioning::{ActivationOutcome, ActivationResult, OperationState};
use gateway_core::sync::{ChangeResult, Field, FindingKind, RunState, Trigger};
use gateway_core::{SiteKind, Status, System};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strum::VariantArray;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A closed list of words.
pub(super) trait Words: FromStr + Into<&'static str> + VariantArray + Copy {
    /// The list's name in the API's description.
    const LIST: &'static str;
    /// A word that fits the other examples there.
    const EXAMPLE: Self;
}

impl Words for Trigger {
    const LIST: &'static str = "SyncTrigger";
    const EXAMPLE: Trigger = Trigger::Api;
}

impl Words for RunState {
    const LIST: &'static str = "SyncRunState";
    const EXAMPLE: RunState = RunState::Finished;
}

impl Words for Field {
    const LIST: &'static str = "SyncField";
    const EXAMPLE: Field = Field::ReadPower;
}

impl Words for ChangeResult {
    const LIST: &'static str = "SyncChangeResult";
    const EXAMPLE: ChangeResult = ChangeResult::Applied;
}

impl Words for FindingKind {
    const LIST: &'static str = "SyncFindingKind";
    const EXAMPLE: FindingKind = FindingKind::Duplicate;
}

impl Words for System {
    const LIST: &'static str = "System";
    const EXAMPLE: System = System::Int6;
}

impl Words for Status {
    const LIST: &'static str = "ClientStatus";
    const EXAMPLE: Status = Status::Ok;
}

impl Words for SiteKind {
    const LIST: &'static str = "SiteKind";
    const EXAMPLE: SiteKind = SiteKind::Cto;
}

impl Words for OperationState {
    const LIST: &'static str = "OperationState";
    const EXAMPLE: OperationState = OperationState::Succeeded;
}

impl Words for ActivationOutcome {
    const LIST: &'static str = "ActivationOutcome";
    const EXAMPLE: ActivationOutcome = ActivationOutcome::Updated;
}

impl Words for ActivationResult {
    const LIST: &'static str = "ActivationResult";
    const EXAMPLE: ActivationResult = ActivationResult::Updated;
}

fn all<T: Words>() -> impl Iterator<Item = &'static str> {
    T::VARIANTS.iter().map(|word| (*word).into())
}

fn schema<T: Words>() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(all::<T>()))
}

/// A word in an answer.
///
/// A field has it by an alias, so that the API's description names the list and not this type.
#[derive(Debug, Clone)]
pub(super) enum Word<T> {
    Known(T),
    /// Stored by a newer version of the gateway, which works beside this one.
    Newer(String),
}

/// OZmap or INT6.
pub(super) type SystemWord = Word<System>;

impl<T> From<T> for Word<T> {
    fn from(word: T) -> Word<T> {
        Word::Known(word)
    }
}

impl<T> From<Result<T, String>> for Word<T> {
    fn from(word: Result<T, String>) -> Word<T> {
        word.map_or_else(Word::Newer, Word::Known)
    }
}

impl<T: Words> Word<T> {
    pub(super) fn stored(text: String) -> Word<T> {
        text.parse().map_or(Word::Newer(text), Word::Known)
    }
}

impl<T: Words> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Word::Known(word) => (*word).into(),
            Word::Newer(text) => text,
        })
    }
}

impl<T: Words> PartialSchema for Word<T> {
    fn schema() -> RefOr<Schema> {
        let example: &str = T::EXAMPLE.into();
        schema::<T>().examples([example]).into()
    }
}

impl<T: Words> ToSchema for Word<T> {
    fn name() -> Cow<'static, str> {
        T::LIST.into()
    }
}

/// A word in a query; an unknown one is refused, and the error names those that are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct OneOf<T>(pub(super) T);

impl<'de, T: Words> Deserialize<'de> for OneOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneOf<T>, D::Error> {
        let given = String::deserialize(deserializer)?;
        given.parse().map(OneOf).map_err(|_| {
            let known = all::<T>().collect::<Vec<_>>().join(", ");
            de::Error::custom(format!("one of {known} is expected"))
        })
    }
}

impl<T: Words> Serialize for OneOf<T> {
    /// For the defaults in the API's description.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.into())
    }
}

impl<T: Words> PartialSchema for OneOf<T> {
    /// Without an example: the documentation page would ask for that word alone.
    fn schema() -> RefOr<Schema> {
        schema::<T>().into()
    }
}

impl<T: Words> ToSchema for OneOf<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_written_as_it_is_stored_whatever_version_stored_it() {
        for text in ["refused", "cancelled"] {
            let word = Word::<ActivationResult>::stored(text.to_owned());
            assert_eq!(matches!(word, Word::Known(ActivationResult::Refused)), text == "refused");
            assert_eq!(serde_json::to_value(&word).expect("JSON"), text);
        }
    }

    #[test]
    fn an_unknown_word_of_a_query_is_refused_with_those_that_are_known() {
        let known: OneOf<SiteKind> = serde_json::from_str("\"cto\"").expect("a kind");
        assert_eq!(known.0, SiteKind::Cto);
        let error = serde_json::from_str::<OneOf<SiteKind>>("\"CTO\"").expect_err("no kind").to_string();
        assert!(error.starts_with("one of cto, condominium is expected"), "{error}");
    }
}
