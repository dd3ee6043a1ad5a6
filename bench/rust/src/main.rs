//! The Rust clients, as workers of bench/run (bench/README.md).

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Instant;

use async_memcached::AsciiProtocol;
use memoxide::{AsyncClient, Client, Ttl};

const KEYS: usize = 100;
const TASKS: usize = 64;

type Case = Box<dyn FnMut(usize)>;

fn keys() -> Vec<String> {
    (0..KEYS).map(|key| format!("bench:{key:03}")).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, name, host, port] = &arguments[..] else {
        panic!("usage: CASE HOST PORT")
    };
    let endpoint = format!("{host}:{port}");
    let client = Client::new(&endpoint).expect("a client");
    for key in keys() {
        client
            .set(key, vec![b'x'; 100], Ttl::Default)
            .expect("stored");
    }
    client
        .set("bench:10k", vec![b'x'; 10_000], Ttl::Default)
        .expect("stored");
    let mut case = case(name, &endpoint, client);
    case(KEYS * TASKS);
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let Ok(operations) = line.expect("a line").trim().parse() else {
            return;
        };
        let before = cpu();
        let begin = Instant::now();
        case(operations);
        let wall = begin.elapsed().as_secs_f64();
        let cpu = cpu() - before;
        println!("{{\"ops\": {operations}, \"wall\": {wall:.9}, \"cpu\": {cpu:.9}}}");
        std::io::stdout().flush().expect("an open pipe");
    }
}

fn cpu() -> f64 {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    clock.tv_sec as f64 + clock.tv_nsec as f64 / 1e9
}

fn case(name: &str, endpoint: &str, client: Client) -> Case {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let url = format!("memcache://{endpoint}");
    match name {
        "memoxide-get" => Box::new(move |operations| {
            for _ in 0..operations {
                client
                    .get::<Vec<u8>>("bench:000")
                    .expect("a reply")
                    .expect("a hit");
            }
        }),
        "memoxide-set" => {
            let value = vec![b'x'; 100];
            Box::new(move |operations| {
                for _ in 0..operations {
                    client
                        .set("bench:000", &value, Ttl::Default)
                        .expect("stored");
                }
            })
        }
        "memoxide-get-10k" => Box::new(move |operations| {
            for _ in 0..operations {
                client
                    .get::<Vec<u8>>("bench:10k")
                    .expect("a reply")
                    .expect("a hit");
            }
        }),
        "memoxide-multiget" => {
            let keys: Vec<&'static str> = keys().into_iter().map(|key| &*key.leak()).collect();
            Box::new(move |operations| {
                for _ in 0..operations {
                    let found = client.get_multi::<_, Vec<u8>>(&keys).expect("replies");
                    assert_eq!(found.len(), KEYS);
                }
            })
        }
        "memoxide-async-1" => {
            let client = AsyncClient::new(endpoint).expect("a client");
            Box::new(move |operations| {
                runtime.block_on(async {
                    for _ in 0..operations {
                        client
                            .get::<Vec<u8>>("bench:000")
                            .await
                            .expect("a reply")
                            .expect("a hit");
                    }
                });
            })
        }
        "memoxide-async-64" => {
            let client = Arc::new(AsyncClient::new(endpoint).expect("a client"));
            // Each task reads a key of its own, as the C pipeline does.
            let keys = Arc::new(keys());
            Box::new(move |operations| {
                let client = Arc::clone(&client);
                let keys = Arc::clone(&keys);
                runtime.block_on(spread(operations, move |task| {
                    let client = Arc::clone(&client);
                    let keys = Arc::clone(&keys);
                    async move {
                        client
                            .get::<Vec<u8>>(&keys[task])
                            .await
                            .expect("a reply")
                            .expect("a hit");
                    }
                }));
            })
        }
        "memcache-get" => {
            let client = memcache::connect(url).expect("a client");
            Box::new(move |operations| {
                for _ in 0..operations {
                    client
                        .get::<Vec<u8>>("bench:000")
                        .expect("a reply")
                        .expect("a hit");
                }
            })
        }
        "memcache-multiget" => {
            let client = memcache::connect(url).expect("a client");
            let keys = keys();
            let keys: Vec<&'static str> = keys.into_iter().map(|key| &*key.leak()).collect();
            Box::new(move |operations| {
                for _ in 0..operations {
                    let found = client.gets::<Vec<u8>>(&keys).expect("replies");
                    assert_eq!(found.len(), KEYS);
                }
            })
        }
        "memcache-exp-get" => {
            let client = memcache::exp::MetaClient::connect(endpoint).expect("a client");
            Box::new(move |operations| {
                for _ in 0..operations {
                    client.get("bench:000").send().expect("a reply");
                }
            })
        }
        "async-memcached-1" => {
            let address = format!("tcp://{endpoint}");
            let mut client = runtime
                .block_on(async_memcached::Client::new(address))
                .expect("a client");
            Box::new(move |operations| {
                runtime.block_on(async {
                    for _ in 0..operations {
                        client
                            .get("bench:000")
                            .await
                            .expect("a reply")
                            .expect("a hit");
                    }
                });
            })
        }
        // One client serves one request at a time, so 64 tasks need a pool.
        "deadpool-memcached-64" => {
            let manager = deadpool_memcached::Manager::new(format!("tcp://{endpoint}"));
            let pool = deadpool_memcached::Pool::builder(manager).max_size(TASKS);
            let pool = pool.build().expect("a pool");
            Box::new(move |operations| {
                let pool = pool.clone();
                runtime.block_on(spread(operations, move |_| {
                    let pool = pool.clone();
                    async move {
                        let mut client = pool.get().await.expect("a connection");
                        client
                            .get("bench:000")
                            .await
                            .expect("a reply")
                            .expect("a hit");
                    }
                }));
            })
        }
        "async-memcached-64" => {
            let address = format!("tcp://{endpoint}");
            let clients: Vec<_> = (0..TASKS)
                .map(|_| {
                    let client = runtime.block_on(async_memcached::Client::new(&address));
                    Arc::new(tokio::sync::Mutex::new(client.expect("a client")))
                })
                .collect();
            Box::new(move |operations| {
                let clients = clients.clone();
                runtime.block_on(spread(operations, move |task| {
                    let client = Arc::clone(&clients[task]);
                    async move {
                        let mut client = client.lock().await;
                        client
                            .get("bench:000")
                            .await
                            .expect("a reply")
                            .expect("a hit");
                    }
                }));
            })
        }
        other => panic!("unknown case {other}"),
    }
}

/// Runs `operations` in 64 tasks, one after the other in each.
async fn spread<F, W>(operations: usize, work: W)
where
    F: Future<Output = ()> + Send + 'static,
    W: Fn(usize) -> F + Clone + Send + Sync + 'static,
{
    let each = operations / TASKS;
    let begin = |task| {
        let work = work.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                work(task).await;
            }
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(begin).collect();
    for task in tasks {
        task.await.expect("a finished task");
    }
}
