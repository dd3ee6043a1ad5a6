//! The tools of whoever runs a cluster, on memcached servers that run.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use memoxide::client::Setting;
use memoxide::client::tools::{
    Comparison, Migration, MigrationOptions, MigrationSummary, Progress, explain_key,
};
use memoxide::{AsyncClient, Client, Ttl};
use serde_json::{Value as Json, json};

use crate::clients::Language;
use crate::stage::{Servers, folder, has, python};

const COUNT: usize = 600;

/// Keys per second; the pauses between three batches of 256 then take this long.
const RATE: f64 = 2000.0;
const PAUSES: Duration = Duration::from_millis(200);

/// An item as a server has it: flags, the time to live left, bytes.
type Item = (u32, Option<u64>, Vec<u8>);

/// Items with any flags and bytes, a third of them without expiry.
fn items() -> BTreeMap<String, Item> {
    let item = |number: usize| {
        let flags = (number as u32).wrapping_mul(0x9e37_79b9);
        let ttls = [None, Some(1000), Some(40 * 24 * 3600)];
        let value = (0..number).map(|byte| (byte * 7) as u8).collect();
        (
            format!("user:{number}:grüße"),
            (flags, ttls[number % 3], value),
        )
    };
    (0..COUNT).map(item).collect()
}

/// Talks to a server without a client.
struct Wire(BufReader<TcpStream>);

impl Wire {
    fn to(server: &str) -> Self {
        Self(BufReader::new(
            TcpStream::connect(server).expect("a server"),
        ))
    }

    fn line(&mut self, request: &str) -> String {
        let stream = self.0.get_mut();
        stream
            .write_all(request.as_bytes())
            .expect("an open socket");
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn load(&mut self, key: &str) -> Option<Item> {
        let head = self.line(&format!("mg {key} f t v u\r\n"));
        let words: Vec<_> = head.split(' ').collect();
        let ["VA", length, flags, ttl] = words[..] else {
            assert_eq!(head, "EN");
            return None;
        };
        let length: usize = length.parse().expect("a length");
        let mut value = vec![0; length + 2];
        self.0.read_exact(&mut value).expect("a value");
        value.truncate(length);
        let ttl: i64 = ttl[1..].parse().expect("a ttl");
        Some((
            flags[1..].parse().expect("flags"),
            u64::try_from(ttl).ok(),
            value,
        ))
    }
}

/// Three servers of an old placement with [`items`] on them, read just now, and
/// their client.
fn old_cluster() -> (Servers, Client) {
    let servers = Servers::memcached(3);
    let client = servers.client(&[("hashing", "python-memcached"), ("values", "raw")]);
    for (key, (flags, ttl, value)) in items() {
        let ttl = ttl.map_or(Ttl::Never, |seconds| Duration::from_secs(seconds).into());
        assert_eq!(client.set_raw(&key, flags, value, ttl), Ok(true));
    }
    // What is read often changes its LRU queue, and memcached may leave it out of a
    // list that walks through the queues.
    for _ in 0..3 {
        for key in items().keys() {
            assert!(client.get_raw(key).expect("a server").is_some());
        }
    }
    (servers, client)
}

/// Checks that every item is where the placement wants it, as it was.
fn assert_all_arrived(client: &Client) {
    let mut wires = BTreeMap::new();
    for (key, (flags, ttl, value)) in items() {
        let server = client.server_for(&key).expect("a server");
        let wire = wires
            .entry(server.to_owned())
            .or_insert_with(|| Wire::to(server));
        let found = wire.load(&key).expect(&key);
        assert_eq!((found.0, &found.2), (flags, &value), "{key}");
        match (found.1, ttl) {
            // A time beyond 30 days is a date on the wire, which memcached counts from
            // its own start: that is a second more when an item is stored, and again
            // when it is copied, or two where the machine is busy and its clock late.
            (Some(left), Some(ttl)) => {
                assert!((ttl - 300..=ttl + 4).contains(&left), "{key}: {left} s");
            }
            (left, ttl) => assert_eq!(left, ttl, "{key}"),
        }
    }
    assert_eq!(wires.len(), 3, "items on every server");
}

fn run(
    source: &Client,
    target: &Client,
    settings: &[(&str, Setting<'_>)],
    each: &mut dyn FnMut(&Progress<'_>),
) -> MigrationSummary {
    let mut options = MigrationOptions::default();
    for (name, setting) in settings {
        options.set(name, setting).expect("an option");
    }
    let migration = Migration::new(source.plan(), target.plan()).with_options(options);
    let summary = migration.run(&mut |progress: &Progress<'_>| {
        each(progress);
        ControlFlow::Continue(())
    });
    summary.expect("servers that list")
}

#[test]
fn a_running_cluster_is_explained_compared_and_copied() {
    if folder().is_none() || !has(&["memcached -V"]) {
        return;
    }
    let (servers, old) = old_cluster();
    for key in items().keys().take(50) {
        let explained = explain_key(old.plan(), key.as_bytes(), &[]).expect("a key");
        assert!(
            Wire::to(&explained.server).load(key).is_some(),
            "{explained}"
        );
    }

    let anew = servers.client(&[("values", "raw")]);
    let moving = |key: &&String| old.server_for(key) != anew.server_for(key);
    let moving = items().keys().filter(moving).count();
    let mut comparison = Comparison::new(old.plan(), anew.plan());
    let mut on = |_: &[u8], _: &_| ControlFlow::Continue(());
    comparison
        .add_listed(&mut on, &|| Ok(()))
        .expect("servers that list");
    assert_eq!(comparison.keys(), COUNT as u64);
    assert_eq!(comparison.moved(), moving as u64);

    let targets = Servers::memcached(3);
    let new = targets.client(&[("values", "raw")]);
    let (mut told, mut last) = (0, None);
    let begun = Instant::now();
    let summary = run(
        &old,
        &new,
        &[("keys_per_second", Setting::Number(RATE))],
        &mut |progress| {
            told += 1;
            last = Some((
                progress.servers_done,
                progress.expected,
                progress.summary.copied,
            ));
        },
    );
    assert!(begun.elapsed() >= PAUSES, "{summary}");
    assert!(told >= 3, "{told}");
    assert_eq!(last, Some((3, Some(COUNT as u64), COUNT as u64)));
    assert!(
        summary.finished && summary.unresolved.is_empty(),
        "{summary}"
    );
    assert_eq!(
        (summary.listed, summary.copied),
        (COUNT as u64, COUNT as u64)
    );
    assert_all_arrived(&new);

    let verify = [("mode", Setting::Text("verify"))];
    assert_eq!(run(&old, &new, &verify, &mut |_| ()).same, COUNT as u64);
    // On servers that stay, what has its place already is left there.
    let placed = run(&old, &anew, &[], &mut |_| ());
    assert_eq!(
        (placed.copied, placed.in_place),
        (moving as u64, (COUNT - moving) as u64)
    );
    assert_all_arrived(&anew);
}

#[test]
fn python_and_node_copy_a_running_cluster() {
    let Some(folder) = folder() else { return };
    if !has(&["memcached -V", "node -v", &python(&folder)]) {
        return;
    }
    let (servers, old) = old_cluster();
    let targets = Servers::memcached(3);
    let new = targets.client(&[("values", "raw")]);
    let keys: Vec<_> = items().into_keys().collect();
    let moving = {
        let anew = servers.client(&[]);
        let moves = |key: &&String| old.server_for(key) != anew.server_for(key);
        keys.iter().filter(moves).count()
    };
    for language in [Language::Node, Language::Python] {
        new.flush_all(Duration::ZERO).expect("servers");
        let job = json!({"client": "memoxide", "do": "move", "servers": servers.names,
            "options": {"hashing": "python-memcached"}, "target": targets.names, "rate": RATE,
            "key": keys[0]});
        let answers = language.work(&folder, &json!([job]));
        let mut answer = answers.into_iter().next().expect("an answer");
        let elapsed = answer["elapsed"].take().as_f64().expect("seconds");
        assert!(elapsed >= PAUSES.as_secs_f64(), "{language:?}: {elapsed}");
        let server = old.server_for(&keys[0]).expect("a server");
        let wanted: Json = json!({"server": server, "keys": COUNT, "moved": moving,
            "planned": COUNT, "copied": COUNT, "same": COUNT, "finished": true, "elapsed": null,
            "last": {"servers_done": 3, "expected": COUNT, "copied": COUNT}});
        assert_eq!(answer, wanted, "{language:?}");
        assert_all_arrived(&new);
    }
}

/// Has a server list thousands of keys slowly for somebody, and so be busy.
fn occupy(server: &str) -> Wire {
    let mut slow = Wire::to(server);
    assert_eq!(slow.line("lru_crawler sleep 500000\r\n"), "OK");
    assert!(
        slow.line("lru_crawler metadump all\r\n")
            .starts_with("key=")
    );
    let refusal = Wire::to(server).line("lru_crawler metadump all\r\n");
    assert!(refusal.starts_with("BUSY"), "{refusal}");
    slow
}

/// Has a server list the next keys without long pauses.
fn hasten(server: &str) {
    assert_eq!(Wire::to(server).line("lru_crawler sleep 100\r\n"), "OK");
}

#[tokio::test]
async fn keys_are_listed_by_a_server_that_was_busy() {
    if folder().is_none() || !has(&["memcached -V"]) {
        return;
    }
    // memcached sleeps after each thousand keys.
    const KEYS: usize = 3000;
    let servers = Servers::memcached(1);
    let client = servers.client(&[("timeout", "20")]);
    let items: Vec<_> = (0..KEYS).map(|n| (format!("key:{n}"), "v")).collect();
    assert_eq!(client.set_multi(&items, Ttl::Never), Ok(Vec::new()));
    let other = occupy(&servers.names[0]);
    hasten(&servers.names[0]);
    assert_eq!(client.keys("key:").expect("a list").len(), KEYS);
    drop(other);

    let other = occupy(&servers.names[0]);
    hasten(&servers.names[0]);
    let client = AsyncClient::new(&servers.names[0])
        .expect("an address")
        .with_timeout(Duration::from_secs(20));
    assert_eq!(client.keys("key:").await.expect("a list").len(), KEYS);
    drop(other);

    let other = occupy(&servers.names[0]);
    let short = servers.client(&[("timeout", "0.1")]);
    let error = short.keys("key:").expect_err("the server is busy");
    assert!(error.is_timeout(), "{error}");
    drop(other);
}

#[tokio::test]
async fn keys_are_read_while_they_are_listed() {
    if folder().is_none() || !has(&["memcached -V"]) {
        return;
    }
    // Some versions hold a lock of items when nobody takes their list, which is
    // longer here than what fits into the buffers on the way.
    const KEYS: usize = 40_000;
    let servers = Servers::memcached(1);
    let client = servers.client(&[("timeout", "20")]);
    let keys: Vec<_> = (0..KEYS).map(|n| format!("{n:0>240}")).collect();
    for some in keys.chunks(1000) {
        let items: Vec<_> = some.iter().map(|key| (key, "v")).collect();
        assert_eq!(client.set_multi(&items, Ttl::Never), Ok(Vec::new()));
    }
    let some = &keys[..5000];
    let mut listed = 0;
    let list = client.each_key("", |_| {
        if listed == 0 {
            let found = client.get_multi::<_, String>(some).expect("a server");
            assert_eq!(found.len(), some.len());
        }
        listed += 1;
        ControlFlow::Continue(())
    });
    list.expect("a list");
    assert!(listed > KEYS / 2, "{listed}");

    let client = AsyncClient::new(&servers.names[0])
        .expect("an address")
        .with_timeout(Duration::from_secs(20));
    let mut list = client.keys("");
    list.next().await.expect("an item").expect("a key");
    let found = client.get_multi::<_, String>(some).await;
    assert_eq!(found.expect("a server").len(), some.len());
    drop(list);
    assert_eq!(client.keys("").await.expect("a list").len(), KEYS);
}
