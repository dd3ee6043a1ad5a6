//! Peers that behave, under more than they can take at once.

use std::sync::Arc;
use std::time::Duration;

use memoxide::client::Setting;
use memoxide::{AsyncClient, Client, EmbeddedServer, Ttl};

use crate::surface::{Asynchronous, Blocking, Surface, client};

/// Long enough for an unoptimised build on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Neither side may wait for the other to read what it wrote.
fn large_batches<S: Surface>(protocol: &str) {
    let servers: Vec<_> = (0..3)
        .map(|_| EmbeddedServer::start().expect("a server"))
        .collect();
    let endpoints: Vec<_> = servers.iter().map(EmbeddedServer::endpoint).collect();
    let client: S = client(&endpoints, LONG, protocol);
    let value = |n: usize| format!("{n:0>100}");
    let items: Vec<_> = (0..20_000)
        .map(|n| (format!("key:{n}"), value(n)))
        .collect();
    assert_eq!(client.set_multi(&items).expect("a batch"), 0);
    let keys: Vec<_> = (0..50_000).map(|n| format!("key:{n}")).collect();
    let found = client.get_multi(&keys).expect("a batch");
    assert_eq!(found.len(), items.len());
    for (key, found) in found {
        let n: usize = key["key:".len()..].parse().expect("a number");
        assert_eq!(found, value(n), "{key}");
    }
}

#[test]
fn blocking_large_batches() {
    large_batches::<Blocking>("meta");
    large_batches::<Blocking>("text");
}

#[test]
fn async_large_batches() {
    large_batches::<Asynchronous>("meta");
    large_batches::<Asynchronous>("text");
}

/// A key of one worker, and the values it may have.
fn name(worker: usize, n: usize) -> String {
    format!("w{worker}:{}", n % 40)
}

/// Keeps threads busy with everything at once; each value tells its key.
fn hammer_blocking(client: &Client, worker: usize) {
    for n in 0..400 {
        let (key, other) = (name(worker, n), name((worker + 1) % 8, n));
        let value = format!("{key}={n}");
        assert!(client.set(&key, &value, Ttl::Never).expect("a set"));
        let found: Option<String> = client.get(&key).expect("a get");
        assert_eq!(found, Some(value), "its own key");
        let found: Option<String> = client.get(&other).expect("a get");
        assert!(found.is_none_or(|value| value.starts_with(&format!("{other}="))));
        if n % 10 == 0 {
            let keys: Vec<_> = (0..40).map(|n| name(worker, n)).collect();
            for (key, value) in client.get_multi::<_, String>(&keys).expect("a batch") {
                assert!(value.starts_with(&format!("{key}=")), "{key}: {value}");
            }
        }
        client
            .incr_with("total", 1, 1, Ttl::Never)
            .expect("a count");
    }
}

async fn hammer_async(client: AsyncClient, worker: usize) {
    for n in 0..400 {
        let (key, other) = (name(worker, n), name((worker + 1) % 8, n));
        let value = format!("{key}={n}");
        assert!(client.set(&key, &value, Ttl::Never).await.expect("a set"));
        let found: Option<String> = client.get(&key).await.expect("a get");
        assert_eq!(found, Some(value), "its own key");
        let found: Option<String> = client.get(&other).await.expect("a get");
        assert!(found.is_none_or(|value| value.starts_with(&format!("{other}="))));
        if n % 10 == 0 {
            let keys: Vec<_> = (0..40).map(|n| name(worker, n)).collect();
            let found = client.get_multi::<_, String>(&keys).await;
            for (key, value) in found.expect("a batch") {
                assert!(value.starts_with(&format!("{key}=")), "{key}: {value}");
            }
        }
        let count = client.incr_with("total", 1, 1, Ttl::Never).await;
        count.expect("a count");
    }
}

#[test]
fn threads_share_a_blocking_client() {
    let servers = [(); 2].map(|()| EmbeddedServer::start().expect("a server"));
    let list = format!("{},{}", servers[0].endpoint(), servers[1].endpoint());
    let client = Client::builder()
        .url(&list)
        .and_then(|builder| builder.option("timeout", &Setting::Number(30.0)))
        // Fewer than threads, so that some wait for others.
        .and_then(|builder| builder.option("max_connections", &Setting::Number(3.0)))
        .and_then(|builder| builder.build())
        .expect("a client");
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let client = client.clone();
            scope.spawn(move || hammer_blocking(&client, worker));
        }
    });
    let total: Option<u64> = client.get("total").expect("the count");
    assert_eq!(total, Some(8 * 400));
}

#[test]
fn tasks_share_an_async_client() {
    let servers = [(); 2].map(|()| EmbeddedServer::start().expect("a server"));
    let list = format!("{},{}", servers[0].endpoint(), servers[1].endpoint());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime");
    let client = AsyncClient::builder()
        .url(&list)
        .and_then(|builder| builder.option("timeout", &Setting::Number(30.0)))
        .and_then(|builder| builder.build_async())
        .expect("a client");
    let servers = Arc::new(servers);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|worker| tokio::spawn(hammer_async(client.clone(), worker)))
            .collect();
        for task in tasks {
            task.await.expect("a task");
        }
        let total: Option<u64> = client.get("total").await.expect("the count");
        assert_eq!(total, Some(8 * 400));
    });
    drop(servers);
}
