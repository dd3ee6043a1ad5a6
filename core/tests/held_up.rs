//! A runtime that was held up past a deadline hears what has arrived in time
//! before it gives up.

use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;
use std::time::Duration;

use memoxide::AsyncClient;
use memoxide::client::{Builder, Setting};
use memoxide::net;

/// What a call may take while the runtime is held up for as long.
const TIMEOUT: Duration = Duration::from_millis(50);

/// Calls that are held up.
const CALLS: usize = 10;

/// Answers every get with the value `v`, and tells when it has.
fn serve(listener: &TcpListener, answered: &Sender<()>) -> std::io::Result<()> {
    let (stream, _) = listener.accept()?;
    let mut lines = BufReader::new(&stream);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        assert_eq!(line, "get k\r\n");
        (&stream).write_all(b"VALUE k 16 1\r\nv\r\nEND\r\n")?;
        // The test may have failed meanwhile.
        let _ = answered.send(());
        line.clear();
    }
    Ok(())
}

fn start() -> (AsyncClient, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = listener.local_addr().expect("an address").to_string();
    let (sender, answered) = channel();
    std::thread::spawn(move || serve(&listener, &sender).expect("a client that goes"));
    let client = Builder::default()
        .server(&endpoint)
        .and_then(|builder| builder.option("protocol", &Setting::Text("text")))
        .and_then(|builder| builder.option("timeout", &Setting::Number(20.0)))
        .and_then(|builder| builder.option("connect_timeout", &Setting::Number(20.0)))
        .and_then(Builder::build_async)
        .expect("a client");
    (client, answered)
}

/// Makes calls, and holds up the thread that all of the client runs on until
/// each is answered and its time is over.
async fn be_held_up(client: AsyncClient, answered: Receiver<()>) {
    let found: Option<String> = client.get("k").await.expect("a reply");
    assert_eq!(found.as_deref(), Some("v"));
    answered.recv().expect("the first reply");
    let hurried = client.with_timeout(TIMEOUT);
    for call in 0..CALLS {
        let mut get = pin!(hurried.get::<String>("k"));
        poll_fn(|context| {
            assert!(get.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        let over = net::now() + TIMEOUT.as_nanos() as u64;
        answered.recv().expect("a reply");
        while net::now() <= over {
            std::thread::yield_now();
        }
        let found = get.await;
        assert_eq!(found, Ok(Some("v".to_owned())), "call {call}");
    }
}

#[tokio::test]
async fn a_runtime_of_one_thread_hears_what_came_meanwhile() {
    let (client, answered) = start();
    be_held_up(client, answered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_worker_hears_what_came_meanwhile() {
    let (client, answered) = start();
    let task = tokio::spawn(be_held_up(client, answered));
    task.await.expect("a task");
}
