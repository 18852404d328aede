//! What clients say, as JSON: where that has bytes, they are text in base64.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A value, read from whatever a codec has.
#[derive(Debug, PartialEq)]
pub(super) struct Plain(pub(super) Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Member(value) = Member::deserialize(deserializer)?;
        Ok(Self(value.unwrap_or_default()))
    }
}

/// A value within another: `None` for what is undefined, which JSON leaves out.
struct Member(Option<Value>);

impl<T: Into<Value>> From<T> for Member {
    fn from(value: T) -> Self {
        Self(Some(value.into()))
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Member, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Member, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Member, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Member, E> {
        // As JSON has it: a number that is none is null.
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Member, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Member, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Member, E> {
        Ok(BASE64.encode(value).into())
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Value::Null.into())
    }

    fn visit_none<E>(self) -> Result<Member, E> {
        Ok(Value::Null.into())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        Member::deserialize(deserializer)
    }

    /// An extension of MessagePack, as `socket.io-msgpack-parser` writes what has bytes, and what is undefined. Its dates have no other
    /// mark than bytes, and are taken for those.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_tuple(2, ExtensionVisitor)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member, A::Error> {
        let mut items = Vec::new();
        while let Some(Plain(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member, A::Error> {
        let mut members = Map::new();
        while let Some((name, Member(member))) = map.next_entry::<String, _>()? {
            if let Some(member) = member {
                members.insert(name, member);
            }
        }
        Ok(members.into())
    }
}

/// What is undefined in JavaScript, as an extension of the type 0.
const UNDEFINED: [u8; 1] = [0];

struct ExtensionVisitor;

impl<'de> Visitor<'de> for ExtensionVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an extension")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member, A::Error> {
        let missing = || A::Error::custom("an extension without a type or bytes");
        let kind: i8 = seq.next_element()?.ok_or_else(missing)?;
        let Bytes(bytes) = seq.next_element()?.ok_or_else(missing)?;
        match kind {
            0 if bytes == UNDEFINED => Ok(Member(None)),
            0 => Ok(BASE64.encode(bytes).into()),
            other => Err(A::Error::custom(format!("an extension of the type {other}, which nobody knows"))),
        }
    }
}

/// The bytes of an extension.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{BytesDeserializer, Error};
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_are_base64_and_all_else_is_as_it_was() {
        let value = json!({ "a": [1, -2, 0.5, "text", null, true], "b": {} });
        assert_eq!(serde_json::from_value::<Plain>(value.clone()).unwrap(), Plain(value));
        let bytes: BytesDeserializer<'_, Error> = [0, 255, 7][..].into_deserializer();
        assert_eq!(Plain::deserialize(bytes).unwrap(), Plain(json!("AP8H")));
    }
}
