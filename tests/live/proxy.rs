//! Through twemproxy: every operation that it passes on.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use memoxide::client::CasOutcome;
use memoxide::{AsyncClient, Client, ErrorKind, Ttl};
use serde_json::{Value as Json, json};

use crate::clients::Language;
use crate::stage::{Servers, client, folder, free_port, has, python};

/// Starts twemproxy in front of servers; `options` are those of its pool.
fn twemproxy(servers: &mut Servers, folder: &std::path::Path, options: &str) -> String {
    let behind: Vec<_> = servers
        .names
        .iter()
        .map(|name| format!("   - {name}:1\n"))
        .collect();
    let scratch = folder.join("twemproxy");
    fs::create_dir_all(&scratch).expect("a folder");
    servers.start(|port| {
        let file = scratch.join(format!("{port}.yml"));
        let pool = format!(
            "pool:\n  listen: 127.0.0.1:{port}\n{options}  servers:\n{}",
            behind.concat()
        );
        fs::write(&file, pool).expect("a file");
        let mut command = Command::new("nutcracker");
        // Its statistics, log and pid have fixed places unless told otherwise.
        command.args(["-a", "127.0.0.1", "-s", &free_port().to_string()]);
        command.arg("-o").arg(file.with_extension("log"));
        command.arg("-p").arg(file.with_extension("pid"));
        command.arg("-c").arg(file);
        command
    });
    servers.names.pop().expect("the proxy")
}

#[test]
fn a_cluster_behind_twemproxy_is_used_through_it_and_past_it() {
    let Some(folder) = folder() else { return };
    if !has(&["memcached -V", "nutcracker --version"]) {
        return;
    }
    let mut servers = Servers::memcached(3);
    let proxies = [
        ("twemproxy", ""),
        ("ketama", "  hash: md5\n  distribution: ketama\n"),
    ];
    for (hashing, options) in proxies {
        let proxy = twemproxy(&mut servers, &folder, options);
        for protocol in ["auto", "text"] {
            let through = client(std::slice::from_ref(&proxy), &[("protocol", protocol)]);
            let past = servers.client(&[("hashing", hashing)]);
            every_operation(&through);
            through.flush(&past);
            placed_alike(&through, &past);
        }
    }
}

trait Flush {
    fn flush(&self, past: &Client);
}

impl Flush for Client {
    /// twemproxy does not pass flush_all on.
    fn flush(&self, past: &Client) {
        past.flush_all(Duration::ZERO).expect("servers");
    }
}

/// Storage, several keys, counters.
fn every_operation(client: &Client) {
    let never = Ttl::Never;
    assert_eq!(client.set("key", "one", never), Ok(true));
    assert_eq!(client.add("key", "two", never), Ok(false));
    assert_eq!(client.replace("key", "three", never), Ok(true));
    assert_eq!(client.replace("none", "three", never), Ok(false));
    assert_eq!(client.append("key", "!"), Ok(true));
    assert_eq!(client.prepend("key", "¡"), Ok(true));
    assert_eq!(client.get::<String>("key"), Ok(Some("¡three!".to_owned())));
    let (value, cas) = client
        .gets::<String>("key")
        .expect("a server")
        .expect("a hit");
    assert_eq!(value, "¡three!");
    assert_eq!(
        client.cas("key", "four", never, cas),
        Ok(CasOutcome::Stored)
    );
    assert_eq!(
        client.cas("key", "five", never, cas),
        Ok(CasOutcome::Exists)
    );
    assert_eq!(client.touch("key", Duration::from_secs(60)), Ok(true));

    let items: Vec<_> = (0..100)
        .map(|n| (format!("many:{n}"), n.to_string().repeat(n)))
        .collect();
    assert_eq!(client.set_multi(&items, never), Ok(Vec::new()));
    let keys: Vec<String> = items.iter().map(|(key, _)| key.clone()).collect();
    // The servers answer one after the other, so the values come in another
    // order than the keys were asked for.
    let found = client.get_multi::<String, String>(&keys).expect("a server");
    assert_eq!(found.len(), 100);
    assert!(items.iter().all(|(key, value)| found[key] == *value));
    let wanted = ["many:1".to_owned(), "none".to_owned(), "many:2".to_owned()];
    assert_eq!(
        client
            .get_multi::<String, String>(&wanted)
            .expect("a server")
            .len(),
        2
    );
    assert_eq!(client.delete_multi(&keys[..50]), Ok(Vec::new()));
    assert_eq!(
        client
            .get_multi::<String, String>(&keys)
            .expect("a server")
            .len(),
        50
    );

    assert_eq!(client.set("count", 5_u64, never), Ok(true));
    assert_eq!(client.incr("count", 3), Ok(Some(8)));
    assert_eq!(client.decr("count", 10), Ok(Some(0)));
    assert_eq!(client.incr("none", 1), Ok(None));
    assert_eq!(client.delete("key"), Ok(true));
    assert_eq!(client.delete("key"), Ok(false));
    assert_eq!(client.get::<String>("key"), Ok(None));
    // What the proxy does not know it answers by closing the connection.
    let stats = client.stats("").expect_err("no statistics");
    assert!(
        stats.is_connection() || stats.kind() == ErrorKind::UnknownCommand,
        "{stats}"
    );
    assert_eq!(client.get::<u64>("count"), Ok(Some(0)));
}

/// What goes through the proxy is found past it, and the other way round.
fn placed_alike(through: &Client, past: &Client) {
    let items = |writer: &str| -> Vec<_> {
        (0..300)
            .map(|n| (format!("{writer}:{n}"), n as u64))
            .collect()
    };
    for (writer, reader, name) in [(through, past, "through"), (past, through, "past")] {
        let items = items(name);
        assert_eq!(writer.set_multi(&items, Ttl::Never), Ok(Vec::new()));
        let keys: Vec<String> = items.iter().map(|(key, _)| key.clone()).collect();
        let found = reader.get_multi::<String, u64>(&keys).expect("servers");
        assert!(
            items
                .iter()
                .all(|(key, value)| found.get(key) == Some(value)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_async_client_goes_through_twemproxy() {
    let Some(folder) = folder() else { return };
    if !has(&["memcached -V", "nutcracker --version"]) {
        return;
    }
    let mut servers = Servers::memcached(3);
    let proxy = twemproxy(&mut servers, &folder, "");
    // The first call may be a write or a read; either finds out what is spoken.
    let client = AsyncClient::new(&proxy).expect("an address");
    assert_eq!(client.set("key", "value", Ttl::Never).await, Ok(true));
    let client = AsyncClient::new(&proxy).expect("an address");
    assert_eq!(
        client.get::<String>("key").await,
        Ok(Some("value".to_owned()))
    );
    let items: Vec<_> = (0..100).map(|n| (format!("many:{n}"), n as u64)).collect();
    assert_eq!(client.set_multi(&items, Ttl::Never).await, Ok(Vec::new()));
    let keys: Vec<String> = items.iter().map(|(key, _)| key.clone()).collect();
    let found = client
        .get_multi::<String, u64>(&keys)
        .await
        .expect("a server");
    assert!(
        items
            .iter()
            .all(|(key, value)| found.get(key) == Some(value))
    );
    assert_eq!(client.incr("many:7", 3).await, Ok(Some(10)));
}

#[test]
fn python_and_node_go_through_twemproxy() {
    let Some(folder) = folder() else { return };
    let python = python(&folder);
    if !has(&["memcached -V", "nutcracker --version", "node -v", &python]) {
        return;
    }
    let mut servers = Servers::memcached(3);
    let proxy = twemproxy(&mut servers, &folder, "");
    let past = servers.client(&[("hashing", "twemproxy")]);
    let stored: BTreeMap<String, u64> = (0..100).map(|n| (format!("rust:{n}"), n)).collect();
    assert_eq!(
        past.set_multi(&Vec::from_iter(stored.clone()), Ttl::Never),
        Ok(Vec::new())
    );
    for language in [Language::Node, Language::Python] {
        let of = |number: u64| (format!("{language:?}:{number}"), number);
        let own: BTreeMap<String, u64> = (0..100).map(of).collect();
        let items = |numbers: &BTreeMap<String, u64>| -> Json {
            let item = |(key, number): (&String, &u64)| (key.clone(), json!({"int": number}));
            numbers.iter().map(item).collect()
        };
        let keys: Vec<_> = stored.keys().chain(own.keys()).collect();
        let job = json!({"client": "memoxide", "servers": [proxy], "options": {}, "do": "multi",
            "items": items(&own), "keys": keys, "counter": format!("count:{language:?}")});
        let mut all = stored.clone();
        all.extend(own.clone());
        let wanted = json!([{"refused": [], "found": items(&all), "count": 8, "deleted": true}]);
        assert_eq!(
            Json::Array(language.work(&folder, &json!([job]))),
            wanted,
            "{language:?}"
        );
        let found = past.get_multi::<_, u64>(&own.keys().cloned().collect::<Vec<_>>());
        assert_eq!(
            found
                .expect("servers")
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            own
        );
    }
}
