//! How far the runtime stands in for Node.

use std::collections::BTreeMap;

use super::section::section;
use super::words::words;

section! {
    /// Says how far the runtime stands in for Node.
    pub struct NodeCompat {
        /// Says whether the compatibility layer is on.
        pub enabled: Option<bool>,
        /// Lists Node's interfaces with the state of each.
        pub apis: Option<Vec<NodeApi>>,
        /// Names the polyfills in use.
        pub polyfills: Option<Vec<String>>,
        /// Says, for each interface that behaves differently from Node's, how.
        pub overrides: Option<BTreeMap<String, String>>,
    }
}

section! {
    /// Says how well one interface of Node works.
    pub struct NodeApi {
        /// Names the interface, such as `node:vm`.
        pub name: Option<String>,
        /// Says how it is made.
        pub status: Option<NodeApiStatus>,
        /// Says what a user of it should know.
        pub notes: Option<String>,
    }
}

words! {
    /// Says how an interface of Node is made.
    pub enum NodeApiStatus {
        /// Made by the runtime itself.
        Native = "native",
        /// There in part.
        Partial = "partial",
        /// Made by a script on top of the runtime.
        Polyfill = "polyfill",
        /// Not there.
        Missing = "missing",
    }
}
