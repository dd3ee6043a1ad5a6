//! Sessions of PHP are read, changed, and read by PHP again.

use std::process::Command;
use std::time::Duration;

use memoxide::Client;
use memoxide::value::php::{Session, SessionFormat};
use serde_json::{Value as Json, json};

use crate::stage::{Servers, folder, has, root, run};

/// Has PHP's session handler open a session, set variables, and close it.
/// With `visit`, an object of a class goes in as well.
fn php(
    servers: &Servers,
    id: &str,
    format: SessionFormat,
    set: &Json,
    visit: Option<usize>,
) -> Json {
    let mut command = Command::new("php");
    command
        .arg(root().join("tests/live/clients/work.php"))
        .arg("session");
    let job = json!({"servers": servers.names, "id": id, "format": format.name(), "set": set,
        "visit": visit});
    run(&mut command, &job)
}

/// Changes a session under PHP's own lock, as `docs/sharing.md` says.
fn change(client: &Client, id: &str, format: SessionFormat, change: impl FnOnce(&mut Session)) {
    let lock = format!("lock.{id}");
    let short = Duration::from_secs(30);
    assert_eq!(
        client.add(&lock, "1", short),
        Ok(true),
        "the session is locked"
    );
    let (flags, payload) = client.get_raw(id).expect("a server").expect("a session");
    let mut session = Session::parse(format, &payload).expect("a session");
    change(&mut session);
    let payload = session.serialize().expect("names that fit");
    let stored = client.set_raw(id, flags, payload, Duration::from_secs(1440));
    assert_eq!(stored, Ok(true));
    assert_eq!(client.delete(&lock), Ok(true));
}

#[test]
fn sessions_of_php_are_changed() {
    if folder().is_none() || !has(&["memcached -V", "php --ri memcached"]) {
        return;
    }
    let servers = Servers::memcached(3);
    let client = servers.client(&[
        ("hashing", "php-session"),
        ("prefix", "memc.sess.key."),
        ("values", "raw"),
    ]);
    let mut places = std::collections::BTreeSet::new();
    for format in SessionFormat::ALL {
        for number in 0..10 {
            let id = format!("session{number}of{}", format.name().replace('_', ""));
            let begun = json!({"user": "Ada", "visits": number, "süß": [1, 2.5, null, true],
                "cart": {"tea": 2, "milk": {"litres": 0.5}}});
            let mut wanted = begun.clone();
            wanted["visit"] = json!(["Visit", number, true]);
            assert_eq!(
                php(&servers, &id, format, &begun, Some(number)),
                wanted,
                "{id}"
            );
            places.insert(client.server_for(&id).expect("a server").to_owned());

            change(&client, &id, format, |session| {
                assert_eq!(session.len(), 6);
                assert_eq!(
                    session.json("visits").expect("a number"),
                    Some(number.to_string())
                );
                session
                    .set_json("visits", &(number + 1).to_string())
                    .expect("a number");
                session
                    .set_json("cart", r#"{"tea":3,"sugar":[]}"#)
                    .expect("a map");
                session.set_json("language", "\"de\"").expect("text");
                assert!(session.remove("user"));
            });
            let changed = json!({"visits": number + 1, "süß": [1, 2.5, null, true],
                "cart": {"tea": 3, "sugar": []}, "language": "de", "visit": ["Visit", number, true]});
            assert_eq!(
                php(&servers, &id, format, &json!({}), None),
                changed,
                "{id}"
            );
        }
    }
    assert_eq!(places.len(), 3, "sessions on every server");
}
