//! The pool part.
