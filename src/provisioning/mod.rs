//! What INT6 asks for while a technician stands before a customer's wall.

pub mod nearby;
