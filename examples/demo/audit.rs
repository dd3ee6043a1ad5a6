//! The Rust part of the demo: reads what Flask and Express have cached, compares
//! it with the database, and caches what they have not asked for yet.
//!
//! The standard input tells what the database has, as JSON; one line of JSON on
//! the standard output tells what was found. `docs/demo.md` lists the keys.
#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::error::Error;
use std::time::Duration;

use memoxide::client::ServerAddress;
use memoxide::{Client, Json};
use serde::{Deserialize, Serialize};

/// What to look at.
#[derive(Deserialize)]
struct Task {
    /// How long cached countries live.
    seconds: u64,
    /// The id of somebody's session.
    session: String,
    /// Countries by code, as the database has them.
    countries: BTreeMap<String, Data>,
}

/// What the apps cache of a country: who read it, and what the database said.
#[derive(Deserialize, Serialize)]
struct Page {
    source: String,
    #[serde(flatten)]
    data: Data,
}

#[derive(Clone, Deserialize, PartialEq, Serialize)]
struct Data {
    country: Country,
    subdivisions: Vec<Subdivision>,
}

#[derive(Clone, Deserialize, PartialEq, Serialize)]
struct Country {
    code: String,
    name: String,
    official_name: Option<String>,
    flag: String,
}

#[derive(Clone, Deserialize, PartialEq, Serialize)]
struct Subdivision {
    code: String,
    name: String,
    r#type: String,
    depth: u32,
    namesakes: u32,
}

#[derive(Deserialize)]
struct Session {
    user: String,
}

/// What was found.
#[derive(Default, Serialize)]
struct Findings {
    /// Countries whose cached data are those of the database, by who cached them.
    equal: BTreeMap<String, Vec<String>>,
    /// Countries whose cached data differ.
    different: Vec<String>,
    /// Countries that were not cached and are now.
    written: Vec<String>,
    /// Who is logged in.
    user: Option<String>,
    /// For how many seconds, if the user does nothing more.
    session_seconds: Option<u64>,
    /// How often the user came by.
    visits: Option<u64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let servers = env::var("MEMCACHED_SERVERS")?;
    let prefix = env::var("DEMO_PREFIX")?;
    let client = Client::builder()
        .servers(ServerAddress::parse_list(&servers)?)
        .configure(|options| options.prefix = prefix.into_bytes())
        .build()?;
    let task: Task = serde_json::from_reader(std::io::stdin())?;
    let mut findings = Findings::default();

    let keys: Vec<String> = task.countries.keys().map(|code| key(code)).collect();
    let cached: HashMap<String, Json<Page>> = client.get_multi(&keys)?;
    let (mut missing, mut codes) = (Vec::new(), Vec::new());
    for (code, data) in task.countries {
        match cached.get(&key(&code)) {
            Some(Json(page)) if page.data == data => {
                let equal = findings.equal.entry(page.source.clone());
                equal.or_default().push(code);
            }
            Some(_) => findings.different.push(code),
            None => {
                let source = "rust".to_owned();
                missing.push((key(&code), Json(Page { source, data })));
                codes.push(code);
            }
        }
    }
    // `add`, not `set`: what an app has stored meanwhile is at least as new.
    let refused = client.add_multi(&missing, Duration::from_secs(task.seconds))?;
    let written = (0..).zip(codes).filter(|(at, _)| !refused.contains(at));
    findings.written.extend(written.map(|(_, code)| code));

    let session = client.item::<Json<Session>>(format!("session:{}", task.session))?;
    if let Some(item) = session {
        findings.session_seconds = item.ttl.map(|ttl| ttl.as_secs());
        findings.user = Some(item.value.0.user);
    }
    findings.visits = client.get(format!("visits:{}", task.session))?;
    println!("{}", serde_json::to_string(&findings)?);
    Ok(())
}

fn key(code: &str) -> String {
    format!("query:country:{code}")
}
