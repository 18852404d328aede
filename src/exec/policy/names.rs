//! The words of a policy's enumerations, and the fields of its limits.

use super::{Access, Action, Direction, Limits, Protocol};

impl Action {
    /// Returns it as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl Access {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Write, Self::Execute, Self::List, Self::Create, Self::Remove];

    /// Returns it as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
            Self::List => "list",
            Self::Create => "create",
            Self::Remove => "remove",
        }
    }
}

impl Direction {
    /// Returns it as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Listen => "listen",
        }
    }
}

impl Protocol {
    /// Returns it as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl Limits {
    /// Returns its fields by their names in JSON.
    pub fn fields(&self) -> [(&'static str, Option<u64>); 7] {
        let Self { wall_ms, cpu_ms, memory_bytes, processes, file_bytes, descriptors, output_bytes } = *self;
        [
            ("wall_ms", wall_ms),
            ("cpu_ms", cpu_ms),
            ("memory_bytes", memory_bytes),
            ("processes", processes),
            ("file_bytes", file_bytes),
            ("descriptors", descriptors),
            ("output_bytes", output_bytes),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_json() {
        let json = |value: serde_json::Result<String>| value.unwrap().trim_matches('"').to_owned();
        for access in Access::ALL {
            assert_eq!(json(serde_json::to_string(&access)), access.name());
        }
        for action in [Action::Allow, Action::Warn, Action::Deny] {
            assert_eq!(json(serde_json::to_string(&action)), action.name());
        }
        for direction in [Direction::Connect, Direction::Listen] {
            assert_eq!(json(serde_json::to_string(&direction)), direction.name());
        }
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            assert_eq!(json(serde_json::to_string(&protocol)), protocol.name());
        }
        let all = Limits {
            wall_ms: Some(1),
            cpu_ms: Some(2),
            memory_bytes: Some(3),
            processes: Some(4),
            file_bytes: Some(5),
            descriptors: Some(6),
            output_bytes: Some(7),
        };
        let fields = all.fields().map(|(name, value)| (name.to_owned(), value.into()));
        assert_eq!(
            serde_json::to_value(all).unwrap(),
            serde_json::Value::Object(fields.into_iter().collect())
        );
    }
}
