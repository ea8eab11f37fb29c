//! What the gateway tells by itself: webhooks of the settings, and those who asked to be called back.
//!
//! What is told is written by `store`, in the transaction of what it tells of. Here a [`Courier`] delivers it: at least once, to
//! each destination in its order, from one process at a time, for about a day. `contact` notices that one of the two systems is
//! away, or refuses its key.

mod addresses;
mod contact;
mod courier;
mod pauses;
mod post;
mod route;
mod signing;
mod webhook;

pub use contact::tell_of_contact;
pub use courier::Courier;
pub use post::NoCourier;
pub use signing::{BadSecret, Signing};
pub use webhook::{TenantNotices, Webhook};
