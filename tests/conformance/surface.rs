//! The clients, behind one way of calling them by name.

use std::time::Duration;

use memoxide::client::{Builder, CasOutcome, ItemView};
use memoxide::value::Value as Cached;
use memoxide::{AsyncClient, Client, Result, Ttl};
use serde_json::{Map, Value, json};

use crate::notation::{bytes, value, written};

/// What a method gave, as the scenario files write it, and a cas id.
pub(crate) type Answer = Result<(Value, Option<u64>)>;

/// A client that is called by the names of its methods.
pub(crate) trait Surface: Sized {
    fn new(builder: Builder) -> Result<Self>;
    /// `None` when there is no such method.
    fn call(&self, method: &str, arguments: &Arguments<'_>) -> Option<Answer>;
}

/// The arguments of a call.
pub(crate) struct Arguments<'a>(pub(crate) &'a Map<String, Value>);

impl Arguments<'_> {
    fn key(&self) -> Vec<u8> {
        bytes(&self.0["key"])
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        self.0["keys"]
            .as_array()
            .expect("keys")
            .iter()
            .map(bytes)
            .collect()
    }

    fn value(&self) -> Cached<'static> {
        value(&self.0["value"])
    }

    fn items(&self) -> Vec<(Vec<u8>, Cached<'static>)> {
        let item = |pair: &Value| (bytes(&pair[0]), value(&pair[1]));
        self.0["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(item)
            .collect()
    }

    fn number(&self, name: &str) -> Option<u64> {
        let number = self.0.get(name)?;
        number.as_u64().or_else(|| number.as_str()?.parse().ok())
    }

    fn ttl(&self) -> Ttl {
        match self.0.get("ttl").map(|ttl| ttl.as_i64().expect("seconds")) {
            None => Ttl::Default,
            Some(0) => Ttl::Never,
            Some(seconds) if seconds < 0 => Ttl::AtOnce,
            Some(seconds) => Ttl::After(Duration::from_secs(seconds as u64)),
        }
    }
}

type Any = Cached<'static>;

fn found(result: Option<Any>) -> Value {
    result.map_or(
        json!({"miss": true}),
        |value| json!({"value": written(&value)}),
    )
}

fn with_cas(result: Option<(Any, u64)>) -> (Value, Option<u64>) {
    match result {
        None => (json!({"miss": true}), None),
        Some((value, cas)) => (json!({"value": written(&value)}), Some(cas)),
    }
}

fn item(result: Option<ItemView<Any>>) -> Value {
    result.map_or(json!({"miss": true}), |item| {
        json!({"item": {
            "value": written(&item.value),
            "flags": item.flags,
            "ttl": item.ttl.map(|ttl| ttl.as_secs()),
            "size": item.size,
            "hit_before": item.hit_before,
        }})
    })
}

fn text(key: &[u8]) -> String {
    String::from_utf8(key.to_vec()).expect("keys of results are text")
}

fn flag(result: bool) -> Value {
    json!({"flag": result})
}

fn failed(keys: &[Vec<u8>], positions: Vec<usize>) -> Value {
    let names: Vec<_> = positions
        .into_iter()
        .map(|index| text(&keys[index]))
        .collect();
    json!({"failed": names})
}

fn verdict(outcome: CasOutcome) -> Value {
    json!({"cas": match outcome {
        CasOutcome::Exists => "exists",
        CasOutcome::NotFound => "not_found",
        CasOutcome::Stored => "stored",
    }})
}

fn number(result: Option<u64>) -> Value {
    json!({"number": result.map(|number| number.to_string())})
}

/// Both clients have the same methods; only waiting for them differs.
macro_rules! call {
    ($client:expr, $method:expr, $arguments:expr, $($wait:tt)*) => {{
        let (client, a) = ($client, $arguments);
        let value = match $method {
            "get" => client.get::<Any>(a.key())$($wait)*.map(found),
            "gat" => client.gat::<Any>(a.key(), a.ttl())$($wait)*.map(found),
            "gets" => return Some(client.gets::<Any>(a.key())$($wait)*.map(with_cas)),
            "item" => client.item::<Any>(a.key())$($wait)*.map(item),
            "exists" => client.exists(a.key())$($wait)*.map(flag),
            "get_multi" => client.get_multi::<_, Any>(&a.keys())$($wait)*.map(|found| {
                let pairs = found.iter().map(|(key, value)| (text(key), written(value)));
                json!({"values": pairs.collect::<Map<_, _>>()})
            }),
            "set" => client.set(a.key(), a.value(), a.ttl())$($wait)*.map(flag),
            "add" => client.add(a.key(), a.value(), a.ttl())$($wait)*.map(flag),
            "replace" => client.replace(a.key(), a.value(), a.ttl())$($wait)*.map(flag),
            "append" => client.append(a.key(), a.value())$($wait)*.map(flag),
            "prepend" => client.prepend(a.key(), a.value())$($wait)*.map(flag),
            "cas" => {
                let cas = a.number("cas").expect("a cas id");
                client.cas(a.key(), a.value(), a.ttl(), cas)$($wait)*.map(verdict)
            }
            "set_multi" => {
                let keys: Vec<_> = a.items().into_iter().map(|(key, _)| key).collect();
                let result = client.set_multi(&a.items(), a.ttl())$($wait)*;
                result.map(|positions| failed(&keys, positions))
            }
            "add_multi" => {
                let keys: Vec<_> = a.items().into_iter().map(|(key, _)| key).collect();
                let result = client.add_multi(&a.items(), a.ttl())$($wait)*;
                result.map(|positions| failed(&keys, positions))
            }
            "delete_multi" => {
                let result = client.delete_multi(&a.keys())$($wait)*;
                result.map(|positions| failed(&a.keys(), positions))
            }
            "touch_multi" => {
                let result = client.touch_multi(&a.keys(), a.ttl())$($wait)*;
                result.map(|positions| failed(&a.keys(), positions))
            }
            "delete" => client.delete(a.key())$($wait)*.map(flag),
            "touch" => client.touch(a.key(), a.ttl())$($wait)*.map(flag),
            "incr" => {
                client.incr(a.key(), a.number("delta").unwrap_or(1))$($wait)*.map(number)
            }
            "decr" => {
                client.decr(a.key(), a.number("delta").unwrap_or(1))$($wait)*.map(number)
            }
            "flush_all" => {
                let delay = Duration::from_secs(a.number("delay").unwrap_or(0));
                client.flush_all(delay)$($wait)*.map(|()| json!({"done": true}))
            }
            "version" => client.version()$($wait)*.map(|versions| {
                assert!(versions.iter().all(|(_, version)| !version.is_empty()));
                json!({"servers": versions.len()})
            }),
            "stats" => {
                let report = a.0.get("report").and_then(Value::as_str).unwrap_or_default();
                client.stats(report)$($wait)*.map(|reports| {
                    let names: Vec<Vec<_>> =
                        reports.iter().map(|(_, report)| report.keys().collect()).collect();
                    json!({"servers": reports.len(), "names": names})
                })
            }
            "server_for" => client.server_for(a.key()).map(|server| json!({"server": server})),
            _ => return None,
        };
        Some(value.map(|value| (value, None)))
    }};
}

pub(crate) struct Blocking(Client);

impl Surface for Blocking {
    fn new(builder: Builder) -> Result<Self> {
        builder.build().map(Self)
    }

    fn call(&self, method: &str, arguments: &Arguments<'_>) -> Option<Answer> {
        call!(&self.0, method, arguments,)
    }
}

pub(crate) struct Asynchronous {
    client: AsyncClient,
    runtime: tokio::runtime::Runtime,
}

impl Surface for Asynchronous {
    fn new(builder: Builder) -> Result<Self> {
        let client = builder.build_async()?;
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Ok(Self { client, runtime })
    }

    fn call(&self, method: &str, arguments: &Arguments<'_>) -> Option<Answer> {
        self.runtime
            .block_on(async { call!(&self.client, method, arguments, .await) })
    }
}
