//! Values that are kept as their text.

/// Kept as text, and read only if the text is one that `new` takes.
macro_rules! kept_as_text {
    ($type:ty, $expected:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = <compact_str::CompactString as serde::Deserialize>::deserialize(deserializer)?;
                <$type>::new(&text).ok_or_else(|| serde::de::Error::custom($expected))
            }
        }
    };
}

pub(crate) use kept_as_text;
