//! Batches of stores to a memcached that is full.

use std::process::Command;

use memoxide::Ttl;

use crate::stage::{Servers, folder, has};

#[test]
fn a_full_memcached_keeps_what_it_took_and_nothing_old() {
    if folder().is_none() || !has(&["memcached -V"]) {
        return;
    }
    for protocol in ["meta", "text"] {
        let mut servers = Servers::memcached(0);
        servers.start(|port| {
            let mut command = Command::new("memcached");
            let port = port.to_string();
            command.args(["-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-p", &port]);
            command.args(["-M", "-m", "8"]);
            command
        });
        let client = servers.client(&[("protocol", protocol), ("timeout", "20")]);
        let value = "x".repeat(100_000);
        let items: Vec<_> = (0..200).map(|n| (format!("key:{n}"), &value)).collect();
        let last = items.len() - 1;
        assert_eq!(client.set(&items[last].0, "old", Ttl::Never), Ok(true));
        let failed = client.set_multi(&items, Ttl::Never).expect("an answer");
        assert!((1..items.len()).contains(&failed.len()), "{}", failed.len());
        assert_eq!(failed.last(), Some(&last), "{protocol}");
        for (position, (key, value)) in items.iter().enumerate() {
            let found: Option<String> = client.get(key).expect("an answer");
            let wanted = (!failed.contains(&position)).then_some(*value);
            assert_eq!(found.as_ref(), wanted, "{key} {protocol}");
        }
    }
}
