//! Clients on tokio, on a runtime of one thread.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_memcached::AsciiProtocol;
use async_memcached_pooled::AsciiProtocol as _;
use memcache::exp::AsyncMemcache;
use memoxide::{AsyncClient, Ttl};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::{Case, LARGE, Spent, TASKS, VALUE, keys, plain};

const DAY: Duration = Duration::from_secs(86_400);

/// One task: so many calls, one after the other.
type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

/// `name` is LIBRARY-OPERATION-IN_FLIGHT.
pub(crate) fn case(name: &str, endpoint: &str) -> Case {
    let words: Vec<&str> = name.split('-').collect();
    let [library, operation, in_flight] = words[..] else {
        panic!("LIBRARY-OPERATION-IN_FLIGHT, not {name}")
    };
    let in_flight: usize = in_flight.parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // Each task has a key of its own, so that nothing can be merged.
    let keys: &'static [&str] = keys().leak();
    let key = move |task: usize| keys[task % keys.len()];
    match library {
        "memoxide" => {
            let client = Arc::new(AsyncClient::new(endpoint).expect("a client"));
            let operation = operation.to_owned();
            if matches!(&*operation, "fresh" | "aged") {
                return aging(runtime, endpoint.to_owned(), operation == "aged");
            }
            tasks(runtime, in_flight, move |task, calls| {
                memoxide(Arc::clone(&client), &operation, key(task), calls)
            })
        }
        // One client serves one request at a time: each task has one.
        "asyncmemcached" => {
            let address = format!("tcp://{endpoint}");
            let clients: Vec<_> = (0..in_flight)
                .map(|_| {
                    let client = runtime.block_on(async_memcached::Client::new(&address));
                    Arc::new(Mutex::new(client.expect("a client")))
                })
                .collect();
            let set = operation == "set";
            tasks(runtime, in_flight, move |task, calls| {
                let client = Arc::clone(&clients[task]);
                Box::pin(async move {
                    let mut client = client.lock().await;
                    for _ in 0..calls {
                        if set {
                            let stored = client.set(key(task), &VALUE[..], None, None);
                            stored.await.expect("stored");
                        } else {
                            let found = client.get(key(task)).await.expect("a reply");
                            found.expect("a hit");
                        }
                    }
                })
            })
        }
        "deadpool" => {
            let manager = deadpool_memcached::Manager::new(format!("tcp://{endpoint}"));
            let pool = deadpool_memcached::Pool::builder(manager).max_size(TASKS);
            let pool = pool.build().expect("a pool");
            tasks(runtime, in_flight, move |task, calls| {
                let pool = pool.clone();
                Box::pin(async move {
                    for _ in 0..calls {
                        let mut client = pool.get().await.expect("a connection");
                        let found = client.get(key(task)).await.expect("a reply");
                        found.expect("a hit");
                    }
                })
            })
        }
        "memcacheexp" => {
            let client = AsyncMemcache::builder()
                .max_idle(TASKS)
                .connect_async([endpoint]);
            let client = Arc::new(runtime.block_on(client).expect("a client"));
            let set = operation == "set";
            tasks(runtime, in_flight, move |task, calls| {
                let client = Arc::clone(&client);
                Box::pin(async move {
                    // What this client reads it has to have written.
                    let stored = client.set(key(task), &VALUE[..], DAY).await;
                    stored.expect("stored");
                    for _ in 1..calls {
                        if set {
                            let stored = client.set(key(task), &VALUE[..], DAY).await;
                            stored.expect("stored");
                        } else {
                            let found = client.get::<Vec<u8>>(key(task)).await;
                            found.expect("a reply").expect("a hit");
                        }
                    }
                })
            })
        }
        _ => panic!("unknown library {library}"),
    }
}

fn memoxide(client: Arc<AsyncClient>, operation: &str, key: &'static str, calls: usize) -> Turn {
    match operation {
        "get" => Box::pin(async move {
            for _ in 0..calls {
                let found = client.get::<Vec<u8>>(key).await;
                found.expect("a reply").expect("a hit");
            }
        }),
        "set" => Box::pin(async move {
            for _ in 0..calls {
                let stored = client.set(key, &VALUE[..], Ttl::Default).await;
                assert!(stored.expect("a reply"));
            }
        }),
        "incr" => Box::pin(async move {
            for _ in 0..calls {
                let count = client.incr("bench:count", 1).await;
                count.expect("a reply").expect("a hit");
            }
        }),
        "touch" => Box::pin(async move {
            for _ in 0..calls {
                assert!(client.touch(key, Ttl::Never).await.expect("a reply"));
            }
        }),
        "delete" => Box::pin(async move {
            for _ in 0..calls {
                client.delete("bench:none").await.expect("a reply");
            }
        }),
        _ => panic!("unknown operation {operation}"),
    }
}

/// Large gets on a connection that is fresh, or that has served small ones.
fn aging(runtime: Runtime, endpoint: String, aged: bool) -> Case {
    let small = if aged { crate::AGE } else { 1 };
    Box::new(move |operations| {
        let mut spent = Spent::default();
        while spent.operations < operations {
            let client = AsyncClient::new(&endpoint).expect("a client");
            let read = async |key: &str, times: usize| {
                for _ in 0..times {
                    let found = client.get::<Vec<u8>>(key).await;
                    found.expect("a reply").expect("a hit");
                }
            };
            runtime.block_on(read(crate::SMALL, small));
            spent.add(crate::LARGE_GETS, || {
                runtime.block_on(read(LARGE, crate::LARGE_GETS));
            });
        }
        spent
    })
}

/// A case of so many tasks, each with calls of its own one after the other.
fn tasks(
    runtime: Runtime,
    in_flight: usize,
    turn: impl Fn(usize, usize) -> Turn + 'static,
) -> Case {
    plain(move |operations| {
        let calls = operations.div_ceil(in_flight);
        runtime.block_on(async {
            if in_flight == 1 {
                return turn(0, calls).await;
            }
            let tasks: Vec<_> = (0..in_flight)
                .map(|task| tokio::spawn(turn(task, calls)))
                .collect();
            for task in tasks {
                task.await.expect("a finished task");
            }
        });
    })
}
