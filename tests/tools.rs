//! Explanations, comparisons and a placement function of the caller, by the
//! vectors that Python and Node run too.

use memoxide::client::tools::{Comparison, Migration, Progress, explain_key};
use memoxide::client::{Builder, Plan, ServerAddress, Setting};
use memoxide::route::{Spot, hash};
use memoxide::{Client, EmbeddedServer};
use serde_json::{Value as Json, json};

fn vectors() -> Json {
    serde_json::from_str(include_str!("vectors/tools.json")).expect("JSON")
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

fn text(json: &Json) -> &str {
    json.as_str().expect("text")
}

fn builder(servers: &Json) -> Builder {
    let add = |builder: Builder, server: &Json| builder.server(text(server)).expect("a server");
    list(servers).iter().fold(Builder::default(), add)
}

fn plan(side: &Json) -> Plan {
    let hashing = Setting::Text(text(&side["hashing"]));
    let builder = builder(&side["servers"]).option("hashing", &hashing);
    builder.and_then(Builder::plan).expect("a plan")
}

#[test]
fn md5_modulo_is_a_function_of_the_caller() {
    let md5_modulo = |key: &[u8], servers: &[ServerAddress]| {
        let digest = u128::from_be_bytes(hash::md5_digest(key));
        (digest % servers.len() as u128) as usize
    };
    let vectors = vectors();
    let cases = list(&vectors["md5_modulo"]);
    assert_eq!(cases.len(), 324);
    for case in cases {
        let builder = builder(&case["servers"]).hashing_by(md5_modulo);
        let client = builder.build().expect("a client");
        let index = case["index"].as_u64().expect("an index") as usize;
        let server = client.server_for(text(&case["key"])).expect("a server");
        assert_eq!(server, text(&case["servers"][index]), "{case}");
    }
}

#[test]
fn keys_are_explained() {
    let vectors = vectors();
    let cases = list(&vectors["explain"]);
    assert_eq!(cases.len(), 24);
    for case in cases {
        let plan = plan(case);
        let explained = explain_key(&plan, text(&case["key"]).as_bytes(), &[]);
        let explained = explained.expect("a legal key");
        assert_eq!(&*explained.server, text(&case["server"]), "{case}");
        let found = match explained.spot {
            Spot::Point {
                hash,
                point,
                points,
                ..
            } => json!({"hash": hash as u64, "point": point as u64, "points": points}),
            Spot::Slot { hash, slot, slots } => {
                json!({"hash": hash, "slot": slot, "slots": slots})
            }
            spot => panic!("{case}: {spot:?}"),
        };
        for (name, number) in found.as_object().expect("figures") {
            assert_eq!(case[name], *number, "{case}: {name}");
        }
    }
}

#[test]
fn placements_are_compared() {
    let vectors = vectors();
    for case in list(&vectors["compare"]) {
        let (old, new) = (plan(&case["old"]), plan(&case["new"]));
        let mut comparison = Comparison::new(&old, &new);
        let count = case["keys"]["count"].as_u64().expect("a count");
        for number in 0..count {
            let key = format!("{}{number}", text(&case["keys"]["prefix"]));
            comparison.add(key.as_bytes()).expect("a legal key");
        }
        assert_eq!(case["moved"], comparison.moved());
        let shares = comparison.shares();
        let shares = shares.iter().map(
            |share| json!({"server": *share.server, "before": share.before, "after": share.after}),
        );
        assert_eq!(case["shares"], shares.collect::<Json>());
    }
}

#[test]
fn items_are_migrated_as_they_are() {
    let start = || EmbeddedServer::start().expect("a port");
    let (from, to) = ([start(), start(), start()], [start(), start()]);
    let names = |servers: &[EmbeddedServer]| {
        let names = servers.iter().map(|server| Json::from(server.endpoint()));
        names.collect::<Json>()
    };
    let old = plan(&json!({"servers": names(&from), "hashing": "python-memcached"}));
    let new = plan(&json!({"servers": names(&to), "hashing": "ketama"}));
    let vectors = vectors();
    let items = list(&vectors["items"]);
    let (here, there) = (
        raw_client(&names(&from), "python-memcached"),
        raw_client(&names(&to), "ketama"),
    );
    for item in items {
        let ttl = match item["ttl"].as_u64().expect("seconds") {
            0 => memoxide::Ttl::Never,
            seconds => std::time::Duration::from_secs(seconds).into(),
        };
        let flags = item["flags"].as_u64().expect("flags") as u32;
        let stored = here.set_raw(text(&item["key"]), flags, bytes(&item["value"]), ttl);
        assert_eq!(stored, Ok(true), "{item}");
    }
    let summary =
        Migration::new(&old, &new).run(&mut |_: &Progress<'_>| std::ops::ControlFlow::Continue(()));
    let summary = summary.expect("a summary");
    assert!(summary.finished);
    assert_eq!(summary.copied, items.len() as u64, "{summary}");
    for item in items {
        let found = there.get_raw(text(&item["key"])).expect("a server");
        let (flags, value) = found.expect("an item");
        assert_eq!(item["flags"], flags);
        assert_eq!(*value, *bytes(&item["value"]), "{item}");
        let ttl = there.item::<Vec<u8>>(text(&item["key"])).expect("bytes");
        let left = ttl.expect("an item").ttl.map_or(0, |left| left.as_secs());
        let ttl = item["ttl"].as_u64().expect("seconds");
        assert!(
            (ttl.saturating_sub(60)..=ttl).contains(&left),
            "{item}: {left}"
        );
    }
}

fn raw_client(servers: &Json, hashing: &str) -> Client {
    let builder = builder(servers).option("hashing", &Setting::Text(hashing));
    let builder = builder.and_then(|builder| builder.option("values", &Setting::Text("raw")));
    builder.and_then(Builder::build).expect("a client")
}

/// Reads a byte string of the vectors.
fn bytes(json: &Json) -> Vec<u8> {
    if let Some(text) = json["utf8"].as_str() {
        return text.as_bytes().to_vec();
    }
    let (pairs, _) = text(&json["hex"]).as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("a hex digit");
    let byte = |pair: &[u8; 2]| (digit(pair[0]) << 4 | digit(pair[1])) as u8;
    pairs.iter().map(byte).collect()
}
