//! Reads the scenario files and carries them out.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memoxide::client::{Builder, Setting};
use serde_json::{Map, Value, json};

use crate::notation::{bytes, normal};
use crate::surface::{Arguments, Surface};
use crate::target::Target;

/// Every field that a step may have.
const FIELDS: [&str; 14] = [
    "call", "args", "expect", "error", "sent", "endpoint", "within", "save", "raw", "reply",
    "server", "advance", "stop", "fault",
];

/// What a run counts; the same for every surface.
#[derive(Default)]
struct Counts {
    scenarios: usize,
    steps: usize,
    skipped: Vec<String>,
}

pub(crate) fn run_all<S: Surface, T: Target>(surface: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files: Vec<PathBuf> = std::fs::read_dir(root.join("tests/scenarios"))
        .expect("the scenarios")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    if let Err(why) = T::start(1) {
        assert!(std::env::var_os("CI").is_none(), "{why}");
        println!("skipped {surface} against {}: {why}", T::NAME);
        return;
    }
    let mut counts = Counts::default();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        let group = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        for scenario in file["scenarios"].as_array().expect("scenarios") {
            let name = format!("{group}: {}", scenario["name"].as_str().expect("a name"));
            run_scenario::<S, T>(&name, scenario, &mut counts);
        }
    }
    println!(
        "{surface} against {}: {} scenarios, {} steps, {} skipped",
        T::NAME,
        counts.scenarios,
        counts.steps,
        counts.skipped.len()
    );
    let report = json!({
        "surface": surface,
        "target": T::NAME,
        "scenarios": counts.scenarios,
        "steps": counts.steps,
        "skipped": counts.skipped,
    });
    let folder = root.join("build/conformance");
    std::fs::create_dir_all(&folder).expect("a folder for the counts");
    let path = folder.join(format!("{surface}-{}.json", T::NAME));
    std::fs::write(path, format!("{report:#}\n")).expect("a place for the counts");
}

fn run_scenario<S: Surface, T: Target>(name: &str, scenario: &Value, counts: &mut Counts) {
    let targets = scenario
        .get("targets")
        .map(|targets| targets.as_array().expect("a list"));
    if targets.is_some_and(|targets| !targets.iter().any(|target| target == T::NAME)) {
        let why = scenario["why"].as_str().expect("a reason");
        println!("skipped against {}: {name}: {why}", T::NAME);
        counts.skipped.push(format!("{name}: {why}"));
        return;
    }
    let servers = scenario
        .get("servers")
        .map_or(1, |n| n.as_u64().expect("a number") as usize);
    let mut target = T::start(servers).expect("servers");
    let mut builder = Builder::default();
    for server in 0..servers {
        builder = builder
            .server(&target.endpoint(server))
            .expect("an endpoint");
    }
    let none = Map::new();
    let options = scenario
        .get("options")
        .map_or(&none, |o| o.as_object().expect("options"));
    for (option, value) in options {
        let setting = match value {
            Value::Number(number) => Setting::Number(number.as_f64().expect("a number")),
            Value::String(text) => Setting::Text(text),
            Value::Bool(truth) => Setting::Truth(*truth),
            other => panic!("{name}: option {option} is {other}"),
        };
        builder = builder.option(option, &setting).expect("an option");
    }
    let timeout = options
        .get("timeout")
        .and_then(Value::as_f64)
        .unwrap_or(1.0);
    let client = S::new(builder).expect("a client");
    let mut saved = HashMap::new();
    for (number, step) in scenario["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .enumerate()
    {
        let at = format!("{name}, step {}", number + 1);
        let step = step.as_object().expect("a step");
        if let Some(unknown) = step.keys().find(|field| !FIELDS.contains(&field.as_str())) {
            panic!("{at}: unknown field {unknown}");
        }
        if let Some(method) = step.get("call") {
            let method = method.as_str().expect("a name");
            let endpoint = target.endpoint(0);
            call(&at, &client, method, step, &endpoint, timeout, &mut saved);
        } else if let Some(raw) = step.get("raw") {
            let server = step
                .get("server")
                .map_or(0, |n| n.as_u64().expect("a number") as usize);
            exchange(
                &at,
                &target.endpoint(server),
                &bytes(raw),
                &bytes(&step["reply"]),
            );
        } else if let Some(seconds) = step.get("advance") {
            target.advance(seconds.as_u64().expect("seconds"));
        } else if let Some(server) = step.get("stop") {
            target.stop(server.as_u64().expect("a number") as usize);
        } else {
            panic!("{at}: unknown step {step:?}");
        }
        counts.steps += 1;
    }
    counts.scenarios += 1;
}

fn call<S: Surface>(
    at: &str,
    client: &S,
    method: &str,
    step: &Map<String, Value>,
    endpoint: &str,
    timeout: f64,
    saved: &mut HashMap<String, u64>,
) {
    let mut arguments = step["args"].as_object().expect("arguments").clone();
    for value in arguments.values_mut() {
        if let Some(name) = value.as_str().and_then(|text| text.strip_prefix('$')) {
            *value = json!(saved[name]);
        }
    }
    let allowed = arguments
        .get("timeout")
        .and_then(Value::as_f64)
        .unwrap_or(timeout);
    let wait = arguments.get("wait").and_then(Value::as_f64);
    let most = allowed + wait.unwrap_or_default() + 0.05;
    let within = step.get("within").and_then(Value::as_f64).unwrap_or(most);
    let save = step.get("save").map(|name| name.as_str().expect("a name"));
    let begin = Instant::now();
    let answer = client
        .call(
            method,
            &Arguments {
                named: &arguments,
                save,
                endpoint,
            },
        )
        .unwrap_or_else(|| panic!("{at}: unknown method {method}"));
    let took = begin.elapsed();
    assert!(
        took <= Duration::from_secs_f64(within),
        "{at}: {method} took {took:?}"
    );
    match (answer, step.get("error")) {
        (Ok((mut result, cas)), None) => {
            let expected = normal(&step["expect"]);
            keep_named(&mut result, &expected);
            if method == "stats" {
                for report in result["names"].as_array().expect("reports") {
                    let has = |name| report.as_array().is_some_and(|all| all.contains(name));
                    for name in expected["has"].as_array().expect("names") {
                        assert!(has(name), "{at}: no {name} in a report");
                    }
                }
                assert_eq!(result["servers"], expected["servers"], "{at}");
            } else {
                assert_eq!(result, expected, "{at}: {method}");
            }
            if let (Some(name), Some(cas)) = (save, cas) {
                saved.insert(name.to_owned(), cas);
            }
        }
        (Err(error), Some(kind)) => {
            assert_eq!(error.kind().name(), kind, "{at}: {method}: {error}");
            if let Some(sent) = step.get("sent").and_then(Value::as_str) {
                assert_eq!(
                    error.was_sent().map(memoxide::Sent::name),
                    Some(sent),
                    "{at}: {error}"
                );
            }
            if step.contains_key("endpoint") {
                assert!(error.endpoint().is_some(), "{at}: no endpoint in {error}");
            }
        }
        (Ok((result, _)), Some(kind)) => panic!("{at}: {method} gave {result}, not {kind}"),
        (Err(error), None) => panic!("{at}: {method} failed: {error:?}"),
    }
}

/// Leaves of items and reports the fields that are named.
fn keep_named(result: &mut Value, expected: &Value) {
    fn keep(found: &mut Value, wanted: &Value) {
        if let (Some(found), Some(wanted)) = (found.as_object_mut(), wanted.as_object()) {
            found.retain(|field, _| wanted.contains_key(field));
            for (field, inner) in found {
                keep(inner, &wanted[field]);
            }
        }
    }
    if let Some(item) = result.get_mut("item") {
        keep(item, &expected["item"]);
    }
    let items = result.get_mut("items").and_then(Value::as_object_mut);
    for (key, item) in items.into_iter().flatten() {
        keep(item, &expected["items"][key.as_str()]);
    }
    let reports = result.get_mut("reports").and_then(Value::as_array_mut);
    for (index, report) in reports.into_iter().flatten().enumerate() {
        keep(report, &expected["reports"][index]);
    }
}

/// Sends bytes over a plain socket and compares what comes back.
fn exchange(at: &str, endpoint: &str, request: &[u8], expected: &[u8]) {
    let reply = send(endpoint, request);
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    assert_eq!(shown(&reply), shown(expected), "{at}: reply");
}

/// Sends bytes over a plain socket and returns what comes back.
pub(crate) fn send(endpoint: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(endpoint).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a timeout");
    stream.write_all(request).expect("room to write");
    stream
        .shutdown(Shutdown::Write)
        .expect("a half-closed connection");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("a reply");
    reply
}
