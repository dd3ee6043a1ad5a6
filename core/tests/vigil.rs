//! How a tokio runtime stays awake for the reply to a lone call.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use memoxide::client::Builder;
use memoxide::{AsyncClient, EmbeddedServer};

/// Lone calls before a trial begins (`vigil` in the engine).
const WARM_UP: usize = 64;

/// Calls of one kind in a row in a trial.
const BLOCK: usize = 8;

/// A client whose next calls are a trial, and its server, which takes five
/// milliseconds for a get.
async fn warmed(busy_poll: Duration) -> (AsyncClient, EmbeddedServer) {
    let server = EmbeddedServer::start().expect("a server");
    let client = Builder::default()
        .server(server.endpoint())
        .expect("an address")
        .configure(|options| options.busy_poll = busy_poll)
        .build_async()
        .expect("a client");
    for _ in 0..WARM_UP {
        assert!(!client.delete("k").await.expect("a reply"));
    }
    let delay = r#"{"action": "delay", "seconds": 0.005, "command": ["get", "mg"]}"#;
    server.add_faults(delay).expect("a rule");
    (client, server)
}

async fn get(client: &AsyncClient) {
    let value: Option<Vec<u8>> = client.get("k").await.expect("a reply");
    assert_eq!(value, None);
}

/// Returns how often calls, one after the other, are looked after.
async fn polls(call: impl AsyncFn()) -> usize {
    let mut count = 0;
    for _ in 0..BLOCK {
        let mut call = pin!(call());
        poll_fn(|context| {
            count += 1;
            call.as_mut().poll(context)
        })
        .await;
    }
    count
}

#[tokio::test]
async fn a_trial_sleeps_for_some_calls_and_stays_awake_for_others() {
    let (client, _server) = warmed(Duration::from_millis(4)).await;
    let mut counts = Vec::new();
    for _ in 0..5 {
        counts.push(polls(async || get(&client).await).await);
    }
    let is_awake: Vec<_> = counts.iter().map(|count| *count > 20 * BLOCK).collect();
    // The server is too far away, so that later calls sleep.
    assert_eq!(is_awake, [false, true, false, true, false], "{counts:?}");
}

#[tokio::test]
async fn a_runtime_sleeps_once_the_time_is_over() {
    for window in [Duration::from_micros(1), Duration::ZERO] {
        let (client, _server) = warmed(window).await;
        for _ in 0..4 {
            let count = polls(async || get(&client).await).await;
            assert!(count < 10 * BLOCK, "{count}");
        }
    }
}

#[tokio::test]
async fn a_runtime_sleeps_for_calls_that_others_join() {
    let (client, _server) = warmed(Duration::from_secs(1)).await;
    for _ in 0..4 {
        let both = async || {
            tokio::join!(get(&client), get(&client));
        };
        let count = polls(both).await;
        assert!(count < 20 * BLOCK, "{count}");
    }
}
