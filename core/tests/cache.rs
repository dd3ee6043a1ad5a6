//! The traits of applications, over the clients and over views of them.

use std::collections::HashMap;
use std::time::Duration;

use memoxide::client::{CasOutcome, Json};
use memoxide::{
    AsyncCache, AsyncCacheExt, AsyncClient, Cache, CacheExt, Client, EmbeddedServer, ErrorKind,
    Result, Ttl,
};

const MINUTE: Duration = Duration::from_secs(60);

/// What an application does, knowing nothing of the client.
fn application(cache: &dyn Cache) -> Result<()> {
    assert_eq!(cache.get::<String>("k")?, None);
    assert!(cache.set("k", "v", MINUTE)?);
    assert!(!cache.add("k", "w", MINUTE)?);
    assert!(cache.replace("k", "b", MINUTE)?);
    assert!(cache.append("k", "c")? && cache.prepend("k", "a")?);
    assert_eq!(cache.get::<String>("k")?.as_deref(), Some("abc"));
    let (value, cas) = cache.gets::<String>("k")?.expect("a hit");
    assert_eq!(value, "abc");
    assert_eq!(cache.cas("k", "new", MINUTE, cas)?, CasOutcome::Stored);
    assert_eq!(cache.cas("k", "old", MINUTE, cas)?, CasOutcome::Exists);
    assert!(cache.touch("k", MINUTE)?);

    let items = [("a", Json(vec![1, 2])), ("b", Json(vec![3]))];
    assert_eq!(cache.set_multi(&items, MINUTE)?, [0; 0]);
    let found: HashMap<_, Json<Vec<u32>>> = cache.get_multi(&["a", "absent", "b"])?;
    assert_eq!((found.len(), &found["b"].0), (2, &vec![3]));
    assert_eq!(cache.delete_multi(&["a", "absent"])?, [1]);

    assert_eq!(cache.incr("n", 1)?, None);
    assert_eq!(cache.incr_with("n", 1, 7, Ttl::Default)?, Some(7));
    assert_eq!(cache.incr("n", 1)?, Some(8));
    assert_eq!(cache.decr("n", 10)?, Some(0));
    let stored = cache.update("n", Ttl::Default, |n: Option<u64>| n.map(|n| n + 5))?;
    assert_eq!(stored, Some(5));
    let stored = cache.update("absent", Ttl::Default, |n: Option<u64>| n)?;
    assert_eq!(stored, None);
    assert_eq!(cache.take::<u64>("n")?, Some(5));
    assert_eq!(cache.take::<u64>("n")?, None);

    let error = cache.get::<u64>("k").expect_err("text is no number");
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(cache.delete("k")? && !cache.delete("k")?);
    Ok(())
}

/// The same, waiting.
async fn waiting_application(cache: &dyn AsyncCache) -> Result<()> {
    assert_eq!(cache.get::<String>("k").await?, None);
    assert!(cache.set("k", "v", MINUTE).await?);
    assert!(!cache.add("k", "w", MINUTE).await?);
    assert!(cache.replace("k", "b", MINUTE).await?);
    assert!(cache.append("k", "c").await? && cache.prepend("k", "a").await?);
    let (value, cas) = cache.gets::<String>("k").await?.expect("a hit");
    assert_eq!(value, "abc");
    let verdict = cache.cas("k", "new", MINUTE, cas).await?;
    assert_eq!(verdict, CasOutcome::Stored);
    assert!(cache.touch("k", MINUTE).await?);

    let items = [("a", Json(vec![1, 2])), ("b", Json(vec![3]))];
    assert_eq!(cache.set_multi(&items, MINUTE).await?, [0; 0]);
    let found: HashMap<_, Json<Vec<u32>>> = cache.get_multi(&["a", "absent", "b"]).await?;
    assert_eq!((found.len(), &found["b"].0), (2, &vec![3]));
    assert_eq!(cache.delete_multi(&["a", "absent"]).await?, [1]);

    assert_eq!(cache.incr_with("n", 1, 7, Ttl::Default).await?, Some(7));
    assert_eq!(cache.decr("n", 10).await?, Some(0));
    let stored = cache.update("n", Ttl::Default, |n: Option<u64>| n.map(|n| n + 5));
    assert_eq!(stored.await?, Some(5));
    assert_eq!(cache.take::<u64>("n").await?, Some(5));
    assert!(cache.delete("k").await? && !cache.delete("k").await?);
    Ok(())
}

#[test]
fn an_application_takes_any_blocking_cache() {
    let server = EmbeddedServer::start().expect("a server");
    let client = Client::new(server.endpoint()).expect("a client");
    application(&client).expect("the client");
    application(&client.with_timeout(MINUTE)).expect("another timeout");
    application(&client.namespace("shop").expect("a view")).expect("a namespace");
    let boxed: Box<dyn Cache> = Box::new(client);
    std::thread::spawn(move || application(&*boxed))
        .join()
        .expect("a thread")
        .expect("the client on another thread");
}

#[tokio::test]
async fn an_application_takes_any_async_cache() {
    let server = EmbeddedServer::start().expect("a server");
    let client = AsyncClient::new(server.endpoint()).expect("a client");
    waiting_application(&client).await.expect("the client");
    let view = client.namespace("shop").await.expect("a view");
    waiting_application(&view).await.expect("a namespace");
    let boxed: Box<dyn AsyncCache> = Box::new(client);
    // Its futures can be sent to other threads.
    tokio::spawn(async move { waiting_application(&*boxed).await })
        .await
        .expect("a task")
        .expect("the client in a task");
}

#[tokio::test]
async fn what_other_servers_have_is_not_lost_with_one() -> Result<()> {
    let (up, down) = (EmbeddedServer::start()?, EmbeddedServer::start()?);
    let servers = format!("{},{}", up.endpoint(), down.endpoint());
    let client = Client::new(&servers)?;
    let keys: Vec<String> = (0..50).map(|number| format!("key{number}")).collect();
    let items: Vec<_> = keys.iter().map(|key| (key, key.as_str())).collect();
    client.set_multi(&items, MINUTE)?;
    // One that has stopped would leave its port to the servers of other tests.
    down.refuse_connections()?;
    down.disconnect_all()?;
    let kept: HashMap<&String, String> = keys
        .iter()
        .filter(|key| {
            client
                .server_for(key)
                .is_ok_and(|name| name == up.endpoint())
        })
        .map(|key| (key, key.clone()))
        .collect();
    assert!(!kept.is_empty() && kept.len() < keys.len());
    let wanted: Vec<_> = keys.iter().collect();

    let mut found = HashMap::new();
    let error = client
        .get_multi_into(&wanted, &mut found)
        .expect_err("one is down");
    assert_eq!(error.kind(), ErrorKind::Partial);
    assert_eq!(found, kept);

    let client = AsyncClient::new(&servers)?;
    let mut found = HashMap::new();
    let read = client.get_multi_into(&wanted, &mut found).await;
    assert_eq!(read.expect_err("one is down").kind(), ErrorKind::Partial);
    assert_eq!(found, kept);
    Ok(())
}
