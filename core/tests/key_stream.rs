//! Lists of keys as streams of the async client.

use std::time::Duration;

use futures_core::Stream;
use memoxide::client::{Builder, Setting};
use memoxide::{AsyncClient, EmbeddedServer, ErrorKind, Ttl};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A list that does not fit into the buffers on the way.
const LONG: usize = 64 * 1024 * 1024;

const LINE: &[u8] = b"key=a exp=-1 la=1795218595 cas=2 fetch=no cls=1 size=72\n";

#[tokio::test]
async fn keys_come_one_by_one_or_together() {
    let server = EmbeddedServer::start().expect("a server");
    let client = AsyncClient::new(server.endpoint()).expect("a client");
    for n in 0..5000 {
        client
            .set(format!("user:{n}"), n, Ttl::Never)
            .await
            .expect("stored");
    }
    client.set("other", "x", Ttl::Never).await.expect("stored");
    let mut found = Vec::new();
    let mut users = client.keys("user:");
    while let Some(item) = users.next().await {
        found.push(item.expect("an item").key);
    }
    assert!(users.next().await.is_none());
    found.sort_unstable();
    let mut expected: Vec<_> = (0..5000)
        .map(|n| format!("user:{n}").into_bytes())
        .collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(client.keys("oth").await.expect("keys"), [b"other"]);
    assert_eq!(client.keys("").await.expect("keys").len(), 5001);
}

#[tokio::test]
async fn a_server_that_lists_no_keys_says_so_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let client = AsyncClient::new(&listener.local_addr().expect("an address").to_string());
    let mut keys = client.expect("a client").keys("");
    let (item, ()) = tokio::join!(keys.next(), async {
        let mut peer = accept(&listener).await;
        peer.write_all(b"ERROR\r\n").await.expect("written");
    });
    let error = item.expect("an item").expect_err("no list");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(keys.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_waits_for_a_slow_reader() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let client = AsyncClient::builder()
        .url(&listener.local_addr().expect("an address").to_string())
        .and_then(|builder| builder.option("timeout", &Setting::Number(20.0)))
        .and_then(Builder::build_async)
        .expect("a client");
    let (stalls, stalled) = oneshot::channel();
    let peer = tokio::spawn(async move {
        let mut peer = accept(&listener).await;
        let lines = LINE.repeat(1024);
        let mut stalls = Some(stalls);
        for _ in 0..LONG / lines.len() {
            let write = peer.write_all(&lines);
            tokio::pin!(write);
            // Nobody takes these bytes while the reader waits below.
            let patience = Duration::from_millis(200);
            if stalls.is_some()
                && tokio::time::timeout(patience, write.as_mut())
                    .await
                    .is_err()
            {
                stalls.take().expect("it is there").send(()).expect("heard");
                write.await.expect("written");
            } else if stalls.is_none() {
                write.await.expect("written");
            }
        }
        peer.write_all(b"END\r\n").await.expect("written");
    });
    let mut keys = client.keys("");
    keys.next().await.expect("an item").expect("a key");
    stalled.await.expect("the server had to wait");
    let mut count = 1;
    while let Some(item) = keys.next().await {
        assert_eq!(item.expect("an item").key, b"a");
        count += 1;
    }
    assert_eq!(count, LONG / (LINE.len() * 1024) * 1024);
    peer.await.expect("a peer");
}

#[tokio::test]
async fn a_stream_that_is_dropped_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let client = AsyncClient::new(&listener.local_addr().expect("an address").to_string());
    let mut keys = client.expect("a client").keys("");
    let (item, mut peer) = tokio::join!(keys.next(), async {
        let mut peer = accept(&listener).await;
        peer.write_all(LINE).await.expect("written");
        peer
    });
    assert_eq!(item.expect("an item").expect("a key").size, 72);
    drop(keys);
    assert_eq!(peer.read(&mut [0; 16]).await.expect("an end"), 0);
}

#[test]
fn it_is_a_stream() {
    fn accepts(_: impl Stream + Send + Unpin + 'static) {}
    let client = AsyncClient::new("127.0.0.1:1").expect("a client");
    accepts(client.keys(""));
}

/// Takes a connection and its request for a list.
async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut peer, _) = listener.accept().await.expect("a connection");
    let mut request = [0; 64];
    let count = peer.read(&mut request).await.expect("the question");
    assert_eq!(&request[..count], b"mn\r\n");
    peer.write_all(b"MN\r\n").await.expect("written");
    let count = peer.read(&mut request).await.expect("a question");
    assert_eq!(&request[..count], b"version\r\n");
    peer.write_all(b"VERSION 1.6.19\r\n")
        .await
        .expect("written");
    let count = peer.read(&mut request).await.expect("a request");
    assert_eq!(&request[..count], b"lru_crawler metadump hash\r\n");
    peer
}
