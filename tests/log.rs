//! What `tracing` is told, checked against `vectors/log.json`, which the other
//! languages check too.

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, Once};
use std::time::Duration;

use memoxide::client::log::Event;
use memoxide::client::{Builder, Setting};
use memoxide::{AsyncClient, Client, EmbeddedServer, Result, Ttl, net};
use serde_json::Value;
use tokio::runtime::Runtime;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

const KEY: &str = "a-key-of-someone";
const VALUE: &str = "a-value-of-someone";

/// How long a call is made again that waits for something.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was told, by every test of this program.
static TOLD: Mutex<Vec<Told>> = Mutex::new(Vec::new());

/// What the subscriber does, once, when it is told of a server.
static HOOKS: Mutex<Vec<(String, Hook)>> = Mutex::new(Vec::new());

type Hook = Box<dyn FnOnce() + Send>;

/// One event, as a subscriber sees it.
#[derive(Clone, Debug, Default)]
struct Told {
    level: String,
    message: String,
    event: String,
    endpoint: String,
    reason: Option<String>,
    kind: Option<String>,
    requests: Option<u64>,
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        assert_eq!(field.name(), "message");
        write!(self.message, "{value:?}").expect("room");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let value = value.to_owned();
        match field.name() {
            "event" => self.event = value,
            "endpoint" => self.endpoint = value,
            "reason" => self.reason = Some(value),
            "kind" => self.kind = Some(value),
            other => panic!("no field is called {other}"),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        assert_eq!(field.name(), "requests");
        self.requests = Some(value);
    }
}

/// Keeps what the client tells.
struct Keeper;

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "memoxide"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        panic!("the client makes no spans")
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut told = Told {
            level: event.metadata().level().to_string().to_lowercase(),
            ..Told::default()
        };
        event.record(&mut told);
        let mut hooks = HOOKS.lock().expect("the hooks");
        let hook = hooks.iter().position(|(of, _)| *of == told.endpoint);
        let hook = hook.map(|index| hooks.swap_remove(index).1);
        drop(hooks);
        TOLD.lock().expect("what was told").push(told);
        if let Some(hook) = hook {
            hook();
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A call and a client, in either manner.
trait Surface: Sized {
    fn new(builder: Builder) -> Self;
    fn get(&self) -> Result<Option<String>>;
    fn set(&self) -> Result<bool>;
}

impl Surface for Client {
    fn new(builder: Builder) -> Self {
        builder.build().expect("a client")
    }

    fn get(&self) -> Result<Option<String>> {
        Self::get(self, KEY)
    }

    fn set(&self) -> Result<bool> {
        Self::set(self, KEY, VALUE, Ttl::Never)
    }
}

struct Waiting(AsyncClient, Runtime);

impl Surface for Waiting {
    fn new(builder: Builder) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let client = builder.build_async().expect("a client");
        Self(client, runtime)
    }

    fn get(&self) -> Result<Option<String>> {
        self.1.block_on(self.0.get(KEY))
    }

    fn set(&self) -> Result<bool> {
        self.1.block_on(self.0.set(KEY, VALUE, Ttl::Never))
    }
}

/// Keeps everything that is told from now on.
fn listen() {
    static LISTEN: Once = Once::new();
    LISTEN.call_once(|| {
        tracing::subscriber::set_global_default(Keeper).expect("the first subscriber");
    });
}

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/log.json");
    let text = std::fs::read_to_string(path).expect("vectors");
    serde_json::from_str(&text).expect("JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn call<S: Surface>(client: &S, method: &str) -> String {
    let ended = match method {
        "get" => client.get().map(|found| match found {
            Some(_) => "ok",
            None => "miss",
        }),
        "set" => client.set().map(|stored| if stored { "ok" } else { "no" }),
        other => panic!("no test calls {other}"),
    };
    match ended {
        Ok(ended) => ended.to_owned(),
        Err(error) => error.kind().name().to_owned(),
    }
}

fn play<S: Surface>(steps: &[Value], client: &S, server: &EmbeddedServer) {
    for step in steps {
        if let Some(fault) = step.get("fault") {
            server.add_faults(&fault.to_string()).expect("a fault");
        } else if step.get("heal").is_some() {
            server.clear_faults().expect("no faults");
        } else if let Some(end) = step.get("until") {
            let give_up = net::now() + PATIENCE.as_nanos() as u64;
            while call(client, text(&step["call"])) != text(end) {
                assert!(net::now() < give_up, "{step} never ends so");
            }
        } else {
            let ended = call(client, text(&step["call"]));
            assert_eq!(ended, text(&step["ends"]), "{step}");
        }
    }
}

/// Checks one entry, whose endpoint is known to be right.
fn check(told: &Told, expected: &Value, vectors: &Value) {
    assert_eq!(told.event, text(&expected["event"]), "{told:?}");
    let events = list(&vectors["events"]);
    let terms = events.iter().find(|terms| terms["event"] == told.event);
    let terms = terms.expect("an event of the list");
    assert_eq!(told.level, text(&terms["level"]));
    assert_eq!(told.message, text(&terms["message"]));
    for (name, field) in [("kind", &told.kind), ("reason", &told.reason)] {
        if let Some(expected) = expected.get(name) {
            assert_eq!(field.as_deref(), Some(text(expected)), "{told:?}");
        }
    }
    assert_eq!(
        told.requests,
        expected.get("requests").and_then(Value::as_u64)
    );
    assert_eq!(told.kind.is_some(), told.reason.is_some(), "{told:?}");
    for forbidden in list(&vectors["forbidden"]) {
        assert!(!format!("{told:?}").contains(text(forbidden)), "{told:?}");
    }
}

fn all_situations<S: Surface>(unreachable: &str) {
    listen();
    let vectors = vectors();
    for situation in list(&vectors["situations"]) {
        let server = EmbeddedServer::start().expect("a server");
        // What nobody reaches has a name of its own for each client here.
        let endpoint = match situation.get("server") {
            Some(_) => unreachable,
            None => server.endpoint(),
        };
        let mut builder = Builder::default().server(endpoint).expect("a server");
        let options = situation.get("options").and_then(Value::as_object);
        for (name, value) in options.into_iter().flatten() {
            let setting = match value {
                Value::Number(number) => Setting::Number(number.as_f64().expect("a number")),
                value => Setting::Text(text(value)),
            };
            builder = builder.option(name, &setting).expect("an option");
        }
        let before = TOLD.lock().expect("what was told").len();
        let client = S::new(builder);
        play(list(&situation["steps"]), &client, &server);
        let told: Vec<_> = TOLD.lock().expect("what was told")[before..]
            .iter()
            .filter(|told| told.endpoint == endpoint)
            .cloned()
            .collect();
        let expected = list(&situation["log"]);
        assert_eq!(told.len(), expected.len(), "{situation}: {told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            check(told, expected, &vectors);
        }
    }
}

#[test]
fn blocking_calls_tell_the_log() {
    all_situations::<Client>("192.0.2.1:11211");
}

#[test]
fn async_calls_tell_the_log() {
    all_situations::<Waiting>("192.0.2.2:11211");
}

#[test]
fn events_have_the_terms_of_the_list() {
    let vectors = vectors();
    let terms = list(&vectors["events"]).iter().map(|terms| {
        let part = |name: &str| text(&terms[name]).to_owned();
        [part("event"), part("level"), part("message")]
    });
    let own = Event::ALL
        .iter()
        .map(|event| [event.name(), event.level().name(), event.message()].map(str::to_owned));
    assert!(own.eq(terms));
}

#[test]
fn a_lock_that_is_not_given_back_is_told_of() {
    listen();
    let server = EmbeddedServer::start().expect("a server");
    let client = Client::new(server.endpoint()).expect("a client");
    let lock = client
        .try_lock(KEY, Duration::from_secs(30))
        .expect("a server");
    let lock = lock.expect("a free lock");
    let fault = r#"{"action": "close"}"#;
    server.add_faults(fault).expect("a fault");
    drop(lock);
    let told = TOLD.lock().expect("what was told");
    let told = told.iter().rfind(|told| told.endpoint == server.endpoint());
    let told = told.expect("an entry");
    assert_eq!(told.event, "lock_not_released");
    assert_eq!(told.kind.as_deref(), Some("ConnectionLost"));
    assert!(!format!("{told:?}").contains(KEY), "{told:?}");
}

#[test]
fn a_connection_that_was_idle_for_too_long_is_told_of() {
    listen();
    let server = EmbeddedServer::start().expect("a server");
    let builder = Builder::default().server(server.endpoint());
    let builder = builder.expect("a server");
    let client = builder.option("idle_timeout", &Setting::Number(1e-9));
    let client = client.and_then(Builder::build).expect("a client");
    for _ in 0..2 {
        client.get::<String>(KEY).expect("a reply");
    }
    let told = TOLD.lock().expect("what was told");
    let told = told
        .iter()
        .filter(|told| told.endpoint == server.endpoint());
    let events: Vec<_> = told.map(|told| &*told.event).collect();
    let [opened, closed] = ["connection_opened", "connection_closed"];
    assert_eq!(events, [opened, closed, opened]);
}

#[test]
fn a_subscriber_may_use_the_client() {
    listen();
    let server = EmbeddedServer::start().expect("a server");
    let on_entry = |hook: Hook| {
        let hook = (server.endpoint().to_owned(), hook);
        HOOKS.lock().expect("the hooks").push(hook);
    };
    let client = Client::new(server.endpoint()).expect("a client");
    let inner = client.clone();
    on_entry(Box::new(move || {
        assert_eq!(inner.set("told", VALUE, Ttl::Never), Ok(true));
    }));
    assert_eq!(client.get::<String>("told"), Ok(Some(VALUE.to_owned())));

    let runtime = Runtime::new().expect("a runtime");
    let client = AsyncClient::new(server.endpoint()).expect("a client");
    let inner = client.clone();
    // It looks into the engine, whose lock nobody may hold.
    on_entry(Box::new(move || inner.disconnect_all()));
    let found = runtime.block_on(client.get::<String>("told"));
    assert_eq!(found, Ok(Some(VALUE.to_owned())));
    assert!(HOOKS.lock().expect("the hooks").is_empty());
}
