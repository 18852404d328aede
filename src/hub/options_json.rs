//! How what [`HubOptions`](super::HubOptions) has beside numbers and words is read from JSON.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error, Unexpected};
use serde_json::{Map, Value, json};

use super::options::ClientLimits;

/// Reads a time in milliseconds, which may have a fraction.
pub(super) fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let given = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(given / 1e3)
        .map_err(|_| D::Error::invalid_value(Unexpected::Float(given), &"milliseconds, 0 or more"))
}

/// Reads a list of networks, or of addresses, each of which is a network of its own.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: &String| {
        let parsed = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let allowed = "an address or a network, as 10.0.0.7 or 10.0.0.0/8";
        parsed.map_err(|_| D::Error::invalid_value(Unexpected::Str(text), &allowed))
    };
    Vec::<String>::deserialize(deserializer)?.iter().map(network).collect()
}

/// Reads what of a viewer's limits is another than the default.
pub(super) fn viewer_limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ClientLimits, D::Error> {
    limits(ClientLimits::VIEWER, deserializer)
}

/// As [`viewer_limits`], of an emitter.
pub(super) fn emitter_limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ClientLimits, D::Error> {
    limits(ClientLimits::EMITTER, deserializer)
}

fn limits<'de, D: Deserializer<'de>>(
    default: ClientLimits,
    deserializer: D,
) -> Result<ClientLimits, D::Error> {
    let mut limits = json!(default);
    for (name, value) in Map::<String, Value>::deserialize(deserializer)? {
        limits[name] = value;
    }
    ClientLimits::deserialize(limits).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use crate::hub::{ClientLimits, HubOptions};

    fn read(json: serde_json::Value) -> Result<HubOptions, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_as_by_default() {
        let options = read(json!({
            "addr": "[::1]:0", "hz": 60, "stalled_after_ms": 0.5, "allow": ["10.0.0.7", "10.1.0.0/16"], "view_token": null,
            "viewer_limits": {"rooms": 3}, "emitter_limits": {},
        }))
        .unwrap();
        let default = HubOptions::default();
        assert_eq!((options.addr.to_string().as_str(), options.hz), ("[::1]:0", 60));
        assert_eq!(options.stalled_after, Duration::from_micros(500));
        assert_eq!(
            options.allow.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.7/32", "10.1.0.0/16"]
        );
        assert_eq!(options.viewer_limits, ClientLimits { rooms: 3, ..default.viewer_limits });
        assert_eq!(options.emitter_limits, default.emitter_limits);
        assert_eq!((options.idle_room, options.max_keys), (default.idle_room, default.max_keys));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_may_be() {
        for (wrong, says) in [
            (
                json!({"colour": 1}),
                "unknown field `colour`, expected one of `addr`, `hz`, `ping_interval_ms`",
            ),
            (json!({"ping_interval": 1}), "unknown field `ping_interval`"),
            (json!({"addr": "here"}), "invalid socket address"),
            (
                json!({"idle_room_ms": -1}),
                "invalid value: floating point `-1.0`, expected milliseconds, 0 or more",
            ),
            (json!({"deny": ["10.0.0.0/33"]}), "expected an address or a network, as 10.0.0.7 or 10.0.0.0/8"),
            (json!({"viewer_limits": {"room": 1}}), "unknown field `room`, expected one of `messages_per_s`"),
            (json!({"emitter_limits": {"rooms": -1}}), "invalid value: integer `-1`, expected usize"),
        ] {
            let error = read(wrong.clone()).unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
