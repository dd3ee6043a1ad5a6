//! The clients, behind one way of calling them by name.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use memoxide::client::stats::{Connections, General, Items, Report, Settings, Sizes, Slabs};
use memoxide::client::{AsyncLock, Builder, CasOutcome, ItemView, Lock, UPDATE_ATTEMPTS};
use memoxide::value::Value as Cached;
use memoxide::{AsyncClient, Client, Result, Ttl};
use serde_json::{Map, Value, json};

use crate::notation::{bytes, raw, value, written};
use crate::run::send;

/// What a method gave, as the scenario files write it, and a cas id.
pub(crate) type Answer = Result<(Value, Option<u64>)>;

/// A client that is called by the names of its methods.
pub(crate) trait Surface: Sized {
    fn new(builder: Builder) -> Result<Self>;
    /// `None` when there is no such method.
    fn call(&self, method: &str, arguments: &Arguments<'_>) -> Option<Answer>;
}

/// The arguments of a call, and what else it is to know.
pub(crate) struct Arguments<'a> {
    pub(crate) named: &'a Map<String, Value>,
    /// The name under which a lock is kept.
    pub(crate) save: Option<&'a str>,
    /// Where server 0 listens.
    pub(crate) endpoint: &'a str,
}

impl Arguments<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.named
            .get(name)
            .map(|text| text.as_str().expect("text"))
    }

    fn seconds(&self, name: &str) -> Option<Duration> {
        let seconds = self.named.get(name)?.as_f64().expect("seconds");
        Some(Duration::from_secs_f64(seconds))
    }

    /// The function of an `update`: what it makes of the present value.
    fn change(&self) -> impl FnMut(Option<Any>) -> Option<Any> {
        let change = self.named["change"].as_object().expect("a change").clone();
        let endpoint = self.endpoint.to_owned();
        move |present| {
            if let Some(meanwhile) = change.get("meanwhile") {
                send(&endpoint, &bytes(meanwhile));
            }
            if let Some(delta) = change.get("add") {
                let number = match present {
                    Some(Cached::Int(digits)) => digits.parse::<i64>().expect("a number"),
                    Some(other) => panic!("adding to {}", other.kind()),
                    None => 0,
                };
                return Some(Any::from(number + delta.as_i64().expect("a number")));
            }
            change.get("set").map(value)
        }
    }

    fn key(&self) -> Vec<u8> {
        bytes(&self.named["key"])
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        self.named["keys"]
            .as_array()
            .expect("keys")
            .iter()
            .map(bytes)
            .collect()
    }

    fn value(&self) -> Cached<'static> {
        value(&self.named["value"])
    }

    fn items(&self) -> Vec<(Vec<u8>, Cached<'static>)> {
        let item = |pair: &Value| (bytes(&pair[0]), value(&pair[1]));
        self.named["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(item)
            .collect()
    }

    fn number(&self, name: &str) -> Option<u64> {
        let number = self.named.get(name)?;
        number.as_u64().or_else(|| number.as_str()?.parse().ok())
    }

    fn ttl(&self) -> Ttl {
        match self
            .named
            .get("ttl")
            .map(|ttl| ttl.as_i64().expect("seconds"))
        {
            None => Ttl::Default,
            Some(0) => Ttl::Never,
            Some(seconds) if seconds < 0 => Ttl::AtOnce,
            Some(seconds) => Ttl::After(Duration::from_secs(seconds as u64)),
        }
    }
}

type Any = Cached<'static>;

fn stored(result: Option<Any>) -> Value {
    json!({"stored": result.map(|value| written(&value))})
}

fn typed<R: Report>(reports: Vec<(String, R)>) -> Value {
    let fields = |(_, report)| serde_json::to_value(report).expect("JSON");
    json!({"reports": reports.into_iter().map(fields).collect::<Vec<_>>()})
}

fn found(result: Option<Any>) -> Value {
    match result {
        None => json!({"miss": true}),
        Some(value) => json!({"value": written(&value)}),
    }
}

fn with_cas(result: Option<(Any, u64)>) -> (Value, Option<u64>) {
    match result {
        None => (json!({"miss": true}), None),
        Some((value, cas)) => (json!({"value": written(&value)}), Some(cas)),
    }
}

fn fields(item: &ItemView<Any>) -> Value {
    json!({
        "value": written(&item.value),
        "flags": item.flags,
        "ttl": item.ttl.map(|ttl| ttl.as_secs()),
        "size": item.size,
        "hit_before": item.hit_before,
    })
}

fn item(result: Option<ItemView<Any>>) -> (Value, Option<u64>) {
    match result {
        None => (json!({"miss": true}), None),
        Some(item) => (json!({"item": fields(&item)}), Some(item.cas)),
    }
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
    ($client:expr, $locks:expr, $method:expr, $arguments:expr, $($wait:tt)*) => {{
        let a = $arguments;
        let mut client = $client.clone();
        if let Some(timeout) = a.seconds("timeout") {
            client = client.with_timeout(timeout);
        }
        if let Some(key) = a.named.get("server_key") {
            client = client.with_server_key(bytes(key));
        }
        if let Some(name) = a.text("namespace") {
            client = match client.namespace(name)$($wait)* {
                Ok(view) => view,
                Err(error) => return Some(Err(error)),
            };
        }
        let value = match $method {
            "get" => client.get::<Any>(a.key())$($wait)*.map(found),
            "gat" => client.gat::<Any>(a.key(), a.ttl())$($wait)*.map(found),
            "gets" => return Some(client.gets::<Any>(a.key())$($wait)*.map(with_cas)),
            "gats" => return Some(client.gats::<Any>(a.key(), a.ttl())$($wait)*.map(with_cas)),
            "item" => return Some(client.item::<Any>(a.key())$($wait)*.map(item)),
            "exists" => client.exists(a.key())$($wait)*.map(flag),
            "get_raw" => client.get_raw(a.key())$($wait)*.map(|found| match found {
                None => json!({"miss": true}),
                Some((flags, bytes)) => json!({"raw": {"flags": flags, "bytes": raw(&bytes)}}),
            }),
            "get_multi" => client.get_multi::<_, Any>(&a.keys())$($wait)*.map(|found| {
                let pairs = found.iter().map(|(key, value)| (text(key), written(value)));
                json!({"values": pairs.collect::<Map<_, _>>()})
            }),
            "gets_multi" => client.gets_multi::<_, Any>(&a.keys())$($wait)*.map(|found| {
                assert!(found.values().all(|(_, cas)| *cas > 0));
                let pairs = found.iter().map(|(key, (value, _))| (text(key), written(value)));
                json!({"values": pairs.collect::<Map<_, _>>()})
            }),
            "items_multi" => client.items_multi::<_, Any>(&a.keys())$($wait)*.map(|found| {
                let pairs = found.iter().map(|(key, item)| (text(key), fields(item)));
                json!({"items": pairs.collect::<Map<_, _>>()})
            }),
            "set" => client.set(a.key(), a.value(), a.ttl())$($wait)*.map(flag),
            "set_raw" => {
                let flags = a.number("flags").expect("flags") as u32;
                let bytes = bytes(&a.named["bytes"]);
                client.set_raw(a.key(), flags, bytes, a.ttl())$($wait)*.map(flag)
            }
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
            "delete" => match a.number("cas") {
                Some(cas) => client.delete_cas(a.key(), cas)$($wait)*.map(verdict),
                None => client.delete(a.key())$($wait)*.map(flag),
            },
            "touch" => client.touch(a.key(), a.ttl())$($wait)*.map(flag),
            "take" => client.take::<Any>(a.key())$($wait)*.map(found),
            "incr" => {
                let (delta, initial) = (a.number("delta").unwrap_or(1), a.number("initial"));
                if initial.is_none() && !a.named.contains_key("ttl") {
                    client.incr(a.key(), delta)$($wait)*.map(number)
                } else {
                    client.incr_with(a.key(), delta, initial, a.ttl())$($wait)*.map(number)
                }
            }
            "decr" => {
                let (delta, initial) = (a.number("delta").unwrap_or(1), a.number("initial"));
                if initial.is_none() && !a.named.contains_key("ttl") {
                    client.decr(a.key(), delta)$($wait)*.map(number)
                } else {
                    client.decr_with(a.key(), delta, initial, a.ttl())$($wait)*.map(number)
                }
            }
            "update" => {
                let limit = a.number("limit").map_or(UPDATE_ATTEMPTS, |limit| limit as u32);
                let mut change = a.change();
                let change = |present| Ok(change(present));
                client.try_update(a.key(), a.ttl(), limit, change)$($wait)*.map(stored)
            }
            "lock" => {
                let ttl = a.seconds("ttl").expect("a time to live");
                let result = match a.seconds("wait") {
                    None => client.try_lock(a.key(), ttl)$($wait)*,
                    Some(wait) => client.lock(a.key(), ttl, wait)$($wait)*,
                };
                result.map(|lock| {
                    let taken = lock.is_some();
                    if let (Some(lock), Some(name)) = (lock, a.save) {
                        $locks.borrow_mut().insert(name.to_owned(), lock);
                    }
                    flag(taken)
                })
            }
            "extend" => {
                let ttl = a.seconds("ttl").expect("a time to live");
                let name = a.text("lock").expect("a lock");
                let mut lock = $locks.borrow_mut().remove(name).expect("a lock");
                let result = lock.extend(ttl)$($wait)*;
                $locks.borrow_mut().insert(name.to_owned(), lock);
                result.map(flag)
            }
            "release" => {
                let name = a.text("lock").expect("a lock");
                let lock = $locks.borrow_mut().remove(name).expect("a lock");
                lock.release()$($wait)*.map(flag)
            }
            "invalidate" => {
                let name = a.text("name").expect("a name");
                client.invalidate(name)$($wait)*.map(|()| json!({"done": true}))
            }
            "flush_all" => {
                let delay = Duration::from_secs(a.number("delay").unwrap_or(0));
                client.flush_all(delay)$($wait)*.map(|()| json!({"done": true}))
            }
            "verbosity" => {
                let level = a.number("level").expect("a level") as u32;
                client.verbosity(level)$($wait)*.map(|()| json!({"done": true}))
            }
            "cache_memlimit" => {
                let megabytes = a.number("megabytes").expect("megabytes") as u32;
                client.cache_memlimit(megabytes)$($wait)*.map(|()| json!({"done": true}))
            }
            "version" => client.version()$($wait)*.map(|versions| {
                assert!(versions.iter().all(|(_, version)| !version.is_empty()));
                json!({"servers": versions.len()})
            }),
            "stats" => {
                let report = a.text("report").unwrap_or_default();
                client.stats(report)$($wait)*.map(|reports| {
                    let names: Vec<Vec<_>> =
                        reports.iter().map(|(_, report)| report.keys().collect()).collect();
                    json!({"servers": reports.len(), "names": names})
                })
            }
            "report" => match a.text("report").unwrap_or_default() {
                General::NAME => client.report::<General>()$($wait)*.map(typed),
                Settings::NAME => client.report::<Settings>()$($wait)*.map(typed),
                Items::NAME => client.report::<Items>()$($wait)*.map(typed),
                Slabs::NAME => client.report::<Slabs>()$($wait)*.map(typed),
                Sizes::NAME => client.report::<Sizes>()$($wait)*.map(typed),
                Connections::NAME => client.report::<Connections>()$($wait)*.map(typed),
                other => panic!("no report {other}"),
            },
            "keys" => {
                let prefix = a.named.get("prefix").map(bytes).unwrap_or_default();
                client.keys(prefix)$($wait)*.map(|keys| {
                    let mut keys: Vec<_> = keys.iter().map(|key| text(key)).collect();
                    keys.sort_unstable();
                    json!({"keys": keys})
                })
            }
            "server_for" => client.server_for(a.key()).map(|name| {
                let mut servers = client.plan().servers().iter();
                json!({"server": servers.position(|server| server.address.to_string() == name)})
            }),
            "close" => {
                client.close();
                Ok(json!({"done": true}))
            }
            _ => return None,
        };
        Some(value.map(|value| (value, None)))
    }};
}

pub(crate) struct Blocking {
    client: Client,
    locks: RefCell<HashMap<String, Lock>>,
}

impl Surface for Blocking {
    fn new(builder: Builder) -> Result<Self> {
        let client = builder.build()?;
        let locks = RefCell::default();
        Ok(Self { client, locks })
    }

    fn call(&self, method: &str, arguments: &Arguments<'_>) -> Option<Answer> {
        call!(self.client, self.locks, method, arguments,)
    }
}

pub(crate) struct Asynchronous {
    client: AsyncClient,
    locks: RefCell<HashMap<String, AsyncLock>>,
    runtime: tokio::runtime::Runtime,
}

impl Surface for Asynchronous {
    fn new(builder: Builder) -> Result<Self> {
        let client = builder.build_async()?;
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let locks = RefCell::default();
        Ok(Self {
            client,
            locks,
            runtime,
        })
    }

    fn call(&self, method: &str, arguments: &Arguments<'_>) -> Option<Answer> {
        self.runtime
            .block_on(async { call!(self.client, self.locks, method, arguments, .await) })
    }
}
