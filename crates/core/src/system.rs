//! The two systems that the gateway stands between.

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// One of the two systems.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr, VariantArray,
)]
pub enum System {
    /// The map of the network.
    #[strum(serialize = "OZmap")]
    Ozmap,
    /// The platform that provisions and monitors ONUs.
    #[strum(serialize = "INT6")]
    Int6,
}

impl System {
    /// As people write it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
