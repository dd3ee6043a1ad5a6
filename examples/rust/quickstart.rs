//! Caches a value for a minute, reads it, counts a visit.
#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::time::Duration;

use memoxide::Client;

fn main() -> memoxide::Result<()> {
    let servers = std::env::var("MEMCACHED_SERVERS");
    let client = Client::new(servers.as_deref().unwrap_or("127.0.0.1:11211"))?;
    client.set("greeting", "hello", Duration::from_secs(60))?;
    let greeting: Option<String> = client.get("greeting")?;
    client.add("visits", 0, Duration::from_secs(60))?;
    println!("{greeting:?}, visit {:?}", client.incr("visits", 1)?);
    Ok(())
}
