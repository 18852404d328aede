//! The payload part.
