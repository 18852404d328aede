//! The form that every section of a payload has.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// Declares one section: a struct whose fields are all optional, and which keeps the fields it does not know.
///
/// Written once here, so that no section can forget to leave out what is absent, or to keep what is unknown.
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                $(#[serde($($serde:tt)*)])*
                pub $field:ident: Option<$type:ty>,
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Default, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $name {
            $(
                $(#[doc = $field_doc])*
                $(#[serde($($serde)*)])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
            /// Holds the fields that this version does not know, as they came. Never put a known field's name here.
            #[serde(flatten)]
            pub extra: ::serde_json::Map<String, ::serde_json::Value>,
        }

        impl $crate::payload::section::Unknown for $name {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn replace(&mut self, name: &str, from: &mut Self) {
                match name {
                    $(stringify!($field) => self.$field = from.$field.take(),)*
                    _ => match from.extra.remove(name) {
                        Some(value) => drop(self.extra.insert(name.to_owned(), value)),
                        None => drop(self.extra.remove(name)),
                    },
                }
            }

            fn unknown(&self, path: &str, found: &mut Vec<String>) {
                use $crate::payload::section::join;
                $(self.$field.unknown(&join(path, stringify!($field).trim_start_matches("r#")), found);)*
                found.extend(self.extra.keys().map(|key| join(path, key)));
            }
        }

        #[cfg(feature = "cli")]
        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                use $crate::payload::schema::{field, section};
                let fields = [$((
                    stringify!($field).trim_start_matches("r#"),
                    field(generator.subschema_for::<$type>(), concat!($($field_doc, "\n"),*)),
                ),)*];
                section(concat!($($doc, "\n"),*), fields)
            }
        }
    };
}

pub(super) use section;

/// Finds the fields that no section declares.
pub(super) trait Unknown {
    /// The fields that a section declares.
    const FIELDS: &'static [&'static str] = &[];

    /// Takes one field, known or not, from another, in the place of this one's.
    fn replace(&mut self, _name: &str, _from: &mut Self)
    where
        Self: Sized,
    {
    }

    /// Adds the path of each unknown field below `path`.
    fn unknown(&self, _path: &str, _found: &mut Vec<String>) {}
}

impl Unknown for bool {}
impl Unknown for u64 {}
impl Unknown for String {}
impl Unknown for serde_json::Map<String, serde_json::Value> {}

impl<T: Unknown> Unknown for Option<T> {
    fn unknown(&self, path: &str, found: &mut Vec<String>) {
        if let Some(value) = self {
            value.unknown(path, found);
        }
    }
}

impl<T: Unknown> Unknown for Vec<T> {
    fn unknown(&self, path: &str, found: &mut Vec<String>) {
        for (index, value) in self.iter().enumerate() {
            value.unknown(&format!("{path}[{index}]"), found);
        }
    }
}

impl<T: Unknown> Unknown for BTreeMap<String, T> {
    fn unknown(&self, path: &str, found: &mut Vec<String>) {
        for (key, value) in self {
            value.unknown(&join(path, key), found);
        }
    }
}

/// Appends one field name to a dotted path.
pub(super) fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// Reads a field where `null` is a value of its own: absent is `None`, `null` is `Some(None)`.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
