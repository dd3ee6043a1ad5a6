//! Keys that other clients have written are hits here, and the other way round.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use memoxide::Client;
use memoxide::value::Value;
use serde_json::{Map, Value as Json, json};

use crate::stage::{Servers, folder, has, python, root, run};

/// Keys of each client in each direction.
const KEYS: usize = 300;

/// A client of another make, and what stands for it here.
struct Other {
    name: &'static str,
    language: Language,
    options: Json,
    hashing: &'static str,
    values: &'static str,
    kinds: Kinds,
}

/// What a client tells apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kinds {
    /// Nothing: all comes back as bytes.
    Bytes,
    /// Text and integers.
    Scalars,
    /// Text, integers, and lists and maps as JSON.
    Trees,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Language {
    Node,
    Php,
    Python,
}

impl Language {
    const ALL: [Self; 3] = [Self::Node, Self::Php, Self::Python];

    /// Has the clients of this language do jobs.
    pub(crate) fn work(self, folder: &Path, jobs: &Json) -> Vec<Json> {
        let programs = root().join("tests/live/clients");
        let mut command = match self {
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(programs.join("work.mjs"));
                command.current_dir(folder.join("node"));
                command.env("MEMOXIDE_NODE", root());
                command
            }
            Self::Php => {
                let mut command = Command::new("php");
                command.arg(programs.join("work.php"));
                command
            }
            Self::Python => {
                let mut command = Command::new(folder.join("venv/bin/python"));
                command.arg("-I").arg(programs.join("work.py"));
                command
            }
        };
        match run(&mut command, jobs) {
            Json::Array(answers) => answers,
            other => panic!("{self:?} answers {other}"),
        }
    }
}

fn others() -> Vec<Other> {
    let other = |name, language, options: Json, hashing, values| Other {
        name,
        language,
        hashing,
        values,
        kinds: match (values, &options) {
            ("raw", _) => Kinds::Bytes,
            ("node-memcached", _) => Kinds::Trees,
            ("php", options) if options["json"] == true => Kinds::Trees,
            _ => Kinds::Scalars,
        },
        options,
    };
    use Language::{Node, Php, Python};
    vec![
        other("pylibmc", Python, json!({}), "pylibmc", "pylibmc"),
        other(
            "pylibmc",
            Python,
            json!({"ketama": true}),
            "pylibmc-ketama",
            "pylibmc",
        ),
        other(
            "pylibmc",
            Python,
            json!({"ketama_weighted": true}),
            "pylibmc-ketama-weighted",
            "pylibmc",
        ),
        other(
            "python-memcached",
            Python,
            json!({}),
            "python-memcached",
            "python",
        ),
        other("pymemcache", Python, json!({}), "pymemcache", "python"),
        other("memjs", Node, json!({}), "memjs", "raw"),
        other(
            "memcached",
            Node,
            json!({}),
            "node-memcached",
            "node-memcached",
        ),
        other("php-memcached", Php, json!({}), "php-memcached", "php"),
        other(
            "php-memcached",
            Php,
            json!({"ketama": true, "json": true}),
            "php-memcached-libketama",
            "php",
        ),
    ]
}

/// What is stored: text of several lengths and beyond ASCII, some of it long
/// enough for PHP to compress it; integers; and JSON.
fn items(writer: &str, other: usize, kinds: Kinds) -> BTreeMap<String, Json> {
    let item = |number: usize| match number % 6 {
        0 => json!({"text": format!("value {number}")}),
        1 => json!({"text": "süß ".repeat(4 * number)}),
        2 => json!({"text": ""}),
        _ if kinds == Kinds::Bytes => json!({"text": number.to_string()}),
        5 if kinds == Kinds::Trees => {
            json!({"json": {"number": number, "list": [1, "ü", null, true, 0.5]}})
        }
        3 => json!({"int": number}),
        _ => json!({"int": -(number as i64)}),
    };
    (0..KEYS)
        .map(|number| (format!("{writer}:{other}:user:{number}"), item(number)))
        .collect()
}

/// An item as a client without types gives it back.
fn as_bytes(item: &Json) -> Json {
    let text = item["text"].as_str().expect("text");
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    json!({"bytes": hex})
}

/// memoxide in one of its languages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Own {
    Node,
    Python,
    Rust,
}

#[test]
fn clusters_are_shared_with_other_clients() {
    let Some(folder) = folder() else { return };
    let python = python(&folder);
    if !has(&["memcached -V", "node -v", "php --ri memcached", &python]) {
        return;
    }
    let servers = Servers::memcached(3);
    let others = others();
    let stored = |writer: &str, other: usize| items(writer, other, others[other].kinds);

    // Each writes in its own way, then each reads what all have written.
    for language in Language::ALL {
        let theirs = others.iter().enumerate();
        let theirs = theirs.filter(|(_, other)| other.language == language);
        let jobs = theirs.map(|(number, other)| {
            let items = stored("theirs", number);
            json!({"client": other.name, "options": other.options, "servers": servers.names,
                "do": "set", "items": items})
        });
        language.work(&folder, &jobs.collect());
    }
    let mut hits = 0;
    for own in [Own::Node, Own::Python, Own::Rust] {
        let writer = format!("{own:?}");
        let found = own_work(own, &folder, &servers, &others, |number| Job {
            write: Some(stored(&writer, number)),
            read: stored("theirs", number).into_keys().collect(),
        });
        for (number, found) in found.into_iter().enumerate() {
            for (key, item) in stored("theirs", number) {
                let wanted = if others[number].kinds == Kinds::Bytes {
                    as_bytes(&item)
                } else {
                    item
                };
                assert_eq!(
                    found[&key], wanted,
                    "{own:?} reads {}: {key}",
                    others[number].name
                );
                hits += 1;
            }
        }
    }
    for language in Language::ALL {
        let theirs: Vec<_> = others
            .iter()
            .enumerate()
            .filter(|(_, other)| other.language == language)
            .collect();
        for own in [Own::Node, Own::Python, Own::Rust] {
            let writer = format!("{own:?}");
            let jobs = theirs.iter().map(|(number, other)| {
                let keys: Vec<_> = stored(&writer, *number).into_keys().collect();
                json!({"client": other.name, "options": other.options, "servers": servers.names,
                    "do": "get", "keys": keys})
            });
            let found = language.work(&folder, &jobs.collect());
            for ((number, other), found) in theirs.iter().zip(found) {
                for (key, item) in stored(&writer, *number) {
                    let wanted = if other.kinds == Kinds::Bytes {
                        as_bytes(&item)
                    } else {
                        item
                    };
                    assert_eq!(found[&key], wanted, "{} reads {own:?}: {key}", other.name);
                    hits += 1;
                }
            }
        }
    }
    println!(
        "{hits} hits among {} configurations and 3 languages",
        others.len()
    );
    assert_eq!(hits, 2 * 3 * others.len() * KEYS);
}

/// What is to be done through one preset and dialect.
struct Job {
    write: Option<BTreeMap<String, Json>>,
    read: Vec<String>,
}

/// Has memoxide do a job for each of the other clients; returns what was read.
fn own_work(
    own: Own,
    folder: &Path,
    servers: &Servers,
    others: &[Other],
    job: impl Fn(usize) -> Job,
) -> Vec<Json> {
    let jobs = others
        .iter()
        .enumerate()
        .map(|(number, other)| (other, job(number)));
    if own == Own::Rust {
        let work = |(other, job): (&Other, Job)| {
            let client = servers.client(&[("hashing", other.hashing), ("values", other.values)]);
            for (key, item) in job.write.unwrap_or_default() {
                store(&client, &key, &item);
            }
            let found = job.read.into_iter().map(|key| {
                let item = load(&client, &key);
                (key, item)
            });
            Json::Object(Map::from_iter(found))
        };
        return jobs.map(work).collect();
    }
    let mut asked = Vec::new();
    for (other, job) in jobs {
        let options = json!({"hashing": other.hashing, "values": other.values, "timeout": 20});
        let client = json!({"client": "memoxide", "options": options, "servers": servers.names});
        let with = |fields: Json| {
            let mut job = client.clone();
            let fields = fields.as_object().expect("fields").clone();
            job.as_object_mut().expect("fields").extend(fields);
            job
        };
        asked.push(with(
            json!({"do": "set", "items": job.write.unwrap_or_default()}),
        ));
        asked.push(with(json!({"do": "get", "keys": job.read})));
    }
    let language = match own {
        Own::Node => Language::Node,
        Own::Python | Own::Rust => Language::Python,
    };
    let answers = language.work(folder, &Json::Array(asked));
    answers.into_iter().skip(1).step_by(2).collect()
}

fn store(client: &Client, key: &str, item: &Json) {
    let stored = match (item["text"].as_str(), item["int"].as_i64()) {
        (Some(text), _) => client.set(key, text, memoxide::Ttl::Never),
        (_, Some(number)) => client.set(key, number, memoxide::Ttl::Never),
        _ => client.set(key, memoxide::Json(&item["json"]), memoxide::Ttl::Never),
    };
    assert_eq!(stored, Ok(true), "{key}");
}

fn load(client: &Client, key: &str) -> Json {
    let (flags, bytes) = client.get_raw(key).expect("a server").expect(key);
    let codec = &client.plan().options().values;
    match codec.decode(flags, (&*bytes).into()).expect(key) {
        Value::Json(text) => {
            json!({"json": serde_json::from_str::<Json>(&text).expect(key)})
        }
        Value::Text(text) => json!({"text": text}),
        Value::Int(digits) => json!({"int": digits.parse::<i64>().expect("a small number")}),
        Value::Bytes(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({"bytes": hex})
        }
        other => panic!("{key}: {}", other.kind()),
    }
}
