//! What a call allocates: counted, not assumed.

mod counting;

use std::time::Duration;

use bytes::Bytes;
use memoxide::client::{Builder, Setting};
use memoxide::{EmbeddedServer, Ttl};

use self::counting::allocations;

/// Calls before anything is counted, and while it is.
const CALLS: usize = 500;

/// Returns the allocations of each call, buffers that grow at first left out.
fn each(mut call: impl FnMut()) -> f64 {
    for _ in 0..CALLS {
        call();
    }
    let counted = allocations(|| {
        for _ in 0..CALLS {
            call();
        }
    });
    counted as f64 / CALLS as f64
}

fn builder(server: &EmbeddedServer, protocol: &str) -> Builder {
    Builder::default()
        .server(server.endpoint())
        .and_then(|builder| builder.option("protocol", &Setting::Text(protocol)))
        .and_then(|builder| builder.option("timeout", &Setting::Number(600.0)))
        .expect("a builder")
}

#[test]
fn a_blocking_call_allocates_for_its_result_alone() {
    let server = EmbeddedServer::start().expect("a server");
    for protocol in ["meta", "text"] {
        let client = builder(&server, protocol).build().expect("a client");
        let value = [b'x'; 100];
        client.set("k", &value[..], Ttl::Never).expect("a set");
        client.set("n", 5_u64, Ttl::Never).expect("a set");
        let keys: Vec<String> = (0..100).map(|n| format!("many:{n}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        for key in &keys {
            client.set(key, &value[..], Ttl::Never).expect("a set");
        }
        let counted = [
            (
                "get",
                1.0,
                each(|| {
                    let found: Option<Vec<u8>> = client.get("k").expect("a get");
                    assert_eq!(found.map(|value| value.len()), Some(100));
                }),
            ),
            (
                "get of bytes",
                1.0,
                each(|| {
                    let found: Option<Bytes> = client.get("k").expect("a get");
                    assert!(found.is_some());
                }),
            ),
            (
                "get_multi of bytes",
                // Six for the request, the map, and two copies of what came,
                // with the count of who shares each.
                11.0,
                each(|| {
                    let found = client.get_multi::<_, Bytes>(&keys).expect("a reply");
                    assert_eq!(found.len(), keys.len());
                }),
            ),
            (
                "get of a number",
                0.0,
                each(|| {
                    assert_eq!(client.get::<u64>("n").expect("a get"), Some(5));
                }),
            ),
            (
                "miss",
                0.0,
                each(|| {
                    assert_eq!(client.get::<u64>("absent").expect("a get"), None);
                }),
            ),
            (
                "set",
                0.0,
                each(|| {
                    assert!(client.set("k", &value[..], Ttl::Never).expect("a set"));
                }),
            ),
            (
                "set with a time",
                0.0,
                each(|| {
                    let minute = Duration::from_secs(60);
                    assert!(client.set("k", &value[..], minute).expect("a set"));
                }),
            ),
            (
                "incr",
                0.0,
                each(|| {
                    assert!(client.incr("n", 0).expect("an incr").is_some());
                }),
            ),
            (
                "delete",
                0.0,
                each(|| {
                    assert!(!client.delete("absent").expect("a delete"));
                }),
            ),
            (
                "get with another timeout",
                1.0,
                each(|| {
                    let view = client.with_timeout(Duration::from_secs(5));
                    let found: Option<Vec<u8>> = view.get("k").expect("a get");
                    assert!(found.is_some());
                }),
            ),
        ];
        for (call, most, count) in counted {
            assert!(count <= most, "{call} in {protocol}: {count} allocations");
        }
    }
}

#[test]
fn a_multiplexed_call_allocates_for_key_value_and_waking() {
    let server = EmbeddedServer::start().expect("a server");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for protocol in ["meta", "text"] {
        let client = builder(&server, protocol)
            // With a `block_on` for each call, tokio allocates the list of tasks that
            // have yielded for each call that it stays awake for.
            .configure(|options| options.busy_poll = Duration::ZERO)
            .build_async()
            .expect("a client");
        let value = [b'x'; 100];
        runtime
            .block_on(client.set("k", &value[..], Ttl::Never))
            .expect("a set");
        let counted = [
            (
                "get",
                3.0,
                each(|| {
                    let found: Option<Vec<u8>> = runtime.block_on(client.get("k")).expect("a get");
                    assert_eq!(found.map(|value| value.len()), Some(100));
                }),
            ),
            (
                "miss",
                2.0,
                each(|| {
                    let found: Option<Vec<u8>> = runtime.block_on(client.get("x")).expect("a get");
                    assert_eq!(found, None);
                }),
            ),
            (
                "set",
                3.0,
                each(|| {
                    let call = client.set("k", &value[..], Ttl::Never);
                    assert!(runtime.block_on(call).expect("a set"));
                }),
            ),
        ];
        for (call, most, count) in counted {
            assert!(count <= most, "{call} in {protocol}: {count} allocations");
        }
    }
}
