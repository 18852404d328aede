//! The curve part.
