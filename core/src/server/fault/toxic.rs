//! toxiproxy's vocabulary: its toxics, by its names and units.
//!
//! A test that drove toxiproxy can hand the same objects to the server:
//! `{"type": "latency", "stream": "downstream", "toxicity": 1.0, "attributes":
//! {"latency": 100, "jitter": 20}}`. Times are milliseconds there (microseconds
//! for the slicer), rates KB per second. The stream of requests is `upstream`;
//! a toxic that works on chunks of a stream works on whole requests and replies
//! here. toxiproxy's `down` is a proxy that is switched off: the action `refuse`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::action::{self, Fault, Moment};
use super::rule::{Rule, refuse};
use crate::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Toxic {
    #[serde(default)]
    name: Option<String>,
    r#type: String,
    #[serde(default)]
    stream: Stream,
    #[serde(default)]
    toxicity: Option<f64>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Stream {
    #[default]
    Downstream,
    Upstream,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Attributes {
    latency: u64,
    jitter: u64,
    rate: u64,
    delay: u64,
    timeout: u64,
    average_size: usize,
    size_variation: usize,
    bytes: u64,
}

/// Reads a toxic.
pub(super) fn read(fields: Map<String, Value>) -> Result<Rule> {
    let toxic: Toxic = serde_json::from_value(Value::Object(fields))
        .map_err(|error| refuse(format!("not a toxic: {error}")))?;
    let given = &toxic.attributes;
    let milliseconds = Duration::from_millis;
    // 0 is for ever.
    let timeout = (given.timeout > 0).then(|| milliseconds(given.timeout));
    let stream = match toxic.stream {
        Stream::Downstream => action::Stream::Replies,
        Stream::Upstream => action::Stream::Requests,
    };
    let fault = match toxic.r#type.as_str() {
        "bandwidth" => Fault::Bandwidth {
            bytes_per_second: given.rate.saturating_mul(1000),
            stream,
        },
        "latency" => Fault::Delay {
            seconds: milliseconds(given.latency),
            jitter: milliseconds(given.jitter),
            when: match toxic.stream {
                Stream::Downstream => Moment::After,
                Stream::Upstream => Moment::Before,
            },
        },
        "limit_data" => Fault::LimitData {
            bytes: given.bytes,
            stream,
        },
        "reset_peer" => Fault::Silence {
            seconds: Some(milliseconds(given.timeout)),
            reset: true,
        },
        "slicer" => Fault::Slice {
            average: given.average_size,
            variation: given.size_variation,
            seconds: Duration::from_micros(given.delay),
            stream,
        },
        "slow_close" => Fault::SlowClose {
            seconds: milliseconds(given.delay),
        },
        "timeout" => Fault::Silence {
            seconds: timeout,
            reset: false,
        },
        "down" => Fault::Refuse { seconds: None },
        other => return Err(refuse(format!("no toxic is called {other:?}"))),
    };
    let mut rule = Rule::new(fault);
    rule.when.name = toxic.name;
    rule.when.probability = toxic.toxicity.filter(|toxicity| *toxicity < 1.0);
    rule.check()?;
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toxics_keep_their_units() {
        let cases = [
            (
                r#"{"name":"l","type":"latency","stream":"downstream","toxicity":0.5,"attributes":{"latency":100,"jitter":20}}"#,
                r#"{"action":"delay","jitter":0.02,"name":"l","probability":0.5,"seconds":0.1,"when":"after"}"#,
            ),
            (
                r#"{"type":"latency","stream":"upstream","attributes":{"latency":5}}"#,
                r#"{"action":"delay","jitter":0.0,"seconds":0.005,"when":"before"}"#,
            ),
            (
                r#"{"type":"bandwidth","attributes":{"rate":2}}"#,
                r#"{"action":"bandwidth","bytes_per_second":2000,"stream":"replies"}"#,
            ),
            (
                r#"{"type":"slow_close","attributes":{"delay":1500}}"#,
                r#"{"action":"slow_close","seconds":1.5}"#,
            ),
            (
                r#"{"type":"timeout","attributes":{"timeout":0}}"#,
                r#"{"action":"silence","reset":false}"#,
            ),
            (
                r#"{"type":"reset_peer","attributes":{"timeout":0}}"#,
                r#"{"action":"silence","reset":true,"seconds":0.0}"#,
            ),
            (
                r#"{"type":"slicer","attributes":{"average_size":50,"size_variation":10,"delay":500}}"#,
                r#"{"action":"slice","average":50,"seconds":0.0005,"stream":"replies","variation":10}"#,
            ),
            (
                r#"{"type":"limit_data","stream":"upstream","attributes":{"bytes":10}}"#,
                r#"{"action":"limit_data","bytes":10,"stream":"requests"}"#,
            ),
        ];
        for (toxic, rule) in cases {
            assert_eq!(Rule::parse(toxic).unwrap()[0].to_json(), rule, "{toxic}");
        }
    }

    #[test]
    fn unknown_toxics_are_refused() {
        let error = Rule::parse(r#"{"type": "poison"}"#).unwrap_err();
        assert_eq!(error.message(), "no toxic is called \"poison\"");
    }
}
