//! The types that the service generated.
pub mod dtos;
