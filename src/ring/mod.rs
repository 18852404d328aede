//! The ring part.
