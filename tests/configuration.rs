//! Servers and options as text, checked against `vectors/urls.json`, which the
//! other languages check too.

use memoxide::Error;
use memoxide::client::{Options, ServerAddress, config};
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/urls.json");
    let text = std::fs::read_to_string(path).expect("vectors");
    serde_json::from_str(&text).expect("JSON")
}

fn check(case: &Value, read: Result<(Vec<ServerAddress>, Options), Error>) {
    match (read, case.get("error")) {
        (Err(error), Some(kind)) => {
            assert_eq!(error.kind().name(), kind, "{case}: {error}");
            // Every secret in the refused texts is one of these.
            for secret in ["secret", "ss@", "p/w", "p?w", "p#w", "/w", "?w", "#w"] {
                assert!(!error.to_string().contains(secret), "{case}: {error}");
            }
        }
        (Ok((servers, options)), None) => {
            let shown: Value = serde_json::from_str(&options.to_json(&servers)).expect("JSON");
            assert_eq!(shown["servers"], case["servers"], "{case}");
            assert_eq!(shown["options"], case["options"], "{case}");
            let password = options.password.as_ref().map(|password| password.reveal());
            assert_eq!(password, case.get("password").map(text), "{case}");
            if let Some(password) = password.filter(|password| !password.is_empty()) {
                let debug = format!("{:?}", options.password);
                assert!(!debug.contains(password), "{case}: {debug}");
            }
        }
        (Ok(_), Some(_)) => panic!("{case}: was read"),
        (Err(error), None) => panic!("{case}: {error}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn texts_become_servers_and_options() {
    for case in vectors()["urls"].as_array().expect("cases") {
        let mut options = Options::default();
        let read = config::read_servers(text(&case["text"]), &mut options);
        check(case, read.map(|servers| (servers, options)));
    }
}

#[test]
fn passwords_are_masked() {
    for case in vectors()["urls"].as_array().expect("cases") {
        if let Some(masked) = case.get("masked") {
            assert_eq!(config::mask(text(&case["text"])), text(masked));
        }
    }
}

#[test]
fn variables_become_servers_and_options() {
    for case in vectors()["environments"].as_array().expect("cases") {
        let lookup = |name: &str| {
            case["variables"]
                .get(name)
                .map(|value| text(value).to_owned())
        };
        let mut options = Options::default();
        let read = config::read_environment(lookup, &mut options);
        if case.get("none").is_some() {
            assert_eq!(read.expect("nothing to refuse"), None, "{case}");
            assert_eq!(options.username, None, "{case}");
            continue;
        }
        let servers = |servers: Option<_>| servers.expect("servers");
        check(case, read.map(|found| (servers(found), options)));
    }
}
