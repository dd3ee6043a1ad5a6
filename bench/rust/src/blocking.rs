//! Clients that block.

use std::time::Duration;

use bytes::Bytes;
use memcache::exp;
use memoxide::{Client, Ttl};

use crate::{
    AGE, Case, KEYS, LARGE, LARGE_GETS, SMALL, Spent, THREADS, VALUE, keys, plain, repeat,
};

pub(crate) fn case(name: &str, endpoint: &str) -> Case {
    let (library, operation) = name.split_once('-').expect("LIBRARY-OPERATION");
    match library {
        "memoxide" => memoxide(operation, endpoint),
        "memcache" => memcache(operation, endpoint),
        "memcacheexp" => memcache_exp(operation, endpoint),
        _ => panic!("unknown library {library}"),
    }
}

fn memoxide(operation: &str, endpoint: &str) -> Case {
    let client = Client::new(endpoint).expect("a client");
    let keys = keys();
    match operation {
        "get" => repeat(move || memoxide_get(&client, SMALL)),
        "get10k" => repeat(move || memoxide_get(&client, LARGE)),
        "set" => repeat(move || {
            assert!(
                client
                    .set(SMALL, &VALUE[..], Ttl::Default)
                    .expect("a reply")
            );
        }),
        "multiget" => repeat(move || {
            let found = client.get_multi::<_, Bytes>(&keys).expect("replies");
            assert_eq!(found.len(), KEYS);
        }),
        "multigetvec" => repeat(move || {
            let found = client.get_multi::<_, Vec<u8>>(&keys).expect("replies");
            assert_eq!(found.len(), KEYS);
        }),
        "multiset" => {
            let items: Vec<(&str, &[u8])> = keys.into_iter().map(|key| (key, &VALUE[..])).collect();
            repeat(move || {
                let refused = client.set_multi(&items, Ttl::Default).expect("replies");
                assert!(refused.is_empty());
            })
        }
        "threads" => plain(move |operations| {
            threads(operations, || memoxide_get(&client, SMALL));
        }),
        "fresh" | "aged" => {
            let small = if operation == "aged" { AGE } else { 1 };
            let endpoint = endpoint.to_owned();
            Box::new(move |operations| {
                let mut spent = Spent::default();
                while spent.operations < operations {
                    let client = Client::new(&endpoint).expect("a client");
                    for _ in 0..small {
                        memoxide_get(&client, SMALL);
                    }
                    spent.add(LARGE_GETS, || {
                        for _ in 0..LARGE_GETS {
                            memoxide_get(&client, LARGE);
                        }
                    });
                }
                spent
            })
        }
        _ => panic!("unknown operation {operation}"),
    }
}

fn memoxide_get(client: &Client, key: &str) {
    client.get::<Vec<u8>>(key).expect("a reply").expect("a hit");
}

fn memcache(operation: &str, endpoint: &str) -> Case {
    let url = format!("memcache://{endpoint}?tcp_nodelay=true");
    let pool = if operation == "threads" { THREADS } else { 1 };
    let client = memcache::Client::with_pool_size(url, pool as u32).expect("a client");
    let get = |client: &memcache::Client, key: &str| {
        client.get::<Vec<u8>>(key).expect("a reply").expect("a hit");
    };
    match operation {
        "get" => repeat(move || get(&client, SMALL)),
        "get10k" => repeat(move || get(&client, LARGE)),
        "set" => repeat(move || client.set(SMALL, &VALUE[..], 0).expect("stored")),
        "multiget" => {
            let keys = keys();
            repeat(move || {
                let found = client.gets::<Vec<u8>>(&keys).expect("replies");
                assert_eq!(found.len(), KEYS);
            })
        }
        "threads" => plain(move |operations| {
            threads(operations, || get(&client, SMALL));
        }),
        _ => panic!("unknown operation {operation}"),
    }
}

fn memcache_exp(operation: &str, endpoint: &str) -> Case {
    let builder = exp::Memcache::builder().max_idle(THREADS);
    let client = builder.connect([endpoint]).expect("a client");
    let get = |client: &exp::Memcache, key: &str| {
        client.get::<Vec<u8>>(key).expect("a reply").expect("a hit");
    };
    let day = Duration::from_secs(86_400);
    // What this client reads it has to have written: it marks its values.
    for key in keys() {
        client.set(key, &VALUE[..], day).expect("stored");
    }
    client.set(LARGE, [b'x'; 10_000], day).expect("stored");
    match operation {
        "get" => repeat(move || get(&client, SMALL)),
        "get10k" => repeat(move || get(&client, LARGE)),
        "set" => repeat(move || client.set(SMALL, &VALUE[..], day).expect("stored")),
        "multiget" => {
            let keys = keys();
            repeat(move || {
                let found = client
                    .get_many::<Vec<u8>, _>(keys.iter().copied())
                    .expect("replies");
                assert_eq!(found.len(), KEYS);
            })
        }
        "multiset" => {
            let keys = keys();
            repeat(move || {
                let items = keys.iter().map(|key| (*key, &VALUE[..]));
                client.set_many(items, day).expect("stored");
            })
        }
        "threads" => plain(move |operations| {
            threads(operations, || get(&client, SMALL));
        }),
        _ => panic!("unknown operation {operation}"),
    }
}

/// Spreads `operations` over threads that share what `call` has.
fn threads(operations: usize, call: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..operations.div_ceil(THREADS) {
                    call();
                }
            });
        }
    });
}
