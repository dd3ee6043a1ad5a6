//! Values in formats of the caller's choice.

use std::collections::BTreeMap;

use memoxide::client::{Builder, Setting};
use memoxide::value::{Foreign, Value};
use memoxide::{Client, EmbeddedServer, ErrorKind, FromValue, Json, MsgPack, Result, ToValue, Ttl};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Visit {
    page: String,
    seconds: f64,
    tags: Vec<u8>,
    by: Option<u64>,
}

fn visit() -> Visit {
    Visit {
        page: "/start".to_owned(),
        seconds: 1.5,
        tags: vec![1, 2],
        by: None,
    }
}

fn connect(server: &EmbeddedServer, foreign: Option<&str>) -> Client {
    let mut builder = Builder::default()
        .server(server.endpoint())
        .expect("a server");
    if let Some(names) = foreign {
        builder = builder
            .option("foreign", &Setting::Text(names))
            .expect("formats");
    }
    builder.build().expect("a client")
}

#[test]
fn any_serde_type_is_stored_as_json() {
    let server = EmbeddedServer::start().expect("a server");
    let client = connect(&server, None);
    client.set("k", Json(visit()), Ttl::Never).expect("a set");
    let read: Option<Json<Visit>> = client.get("k").expect("a get");
    assert_eq!(read, Some(Json(visit())));
    let (flags, bytes) = client.get_raw("k").expect("a get").expect("a hit");
    assert_eq!(flags, 0x1_0010);
    assert_eq!(
        bytes,
        r#"{"page":"/start","seconds":1.5,"tags":[1,2],"by":null}"#
    );
}

#[test]
fn any_serde_type_is_stored_as_message_pack_where_that_is_named() {
    let server = EmbeddedServer::start().expect("a server");
    let client = connect(&server, Some("msgpack"));
    let map = BTreeMap::from([("a", 1)]);
    client.set("k", MsgPack(&map), Ttl::Never).expect("a set");
    let read: Option<MsgPack<BTreeMap<String, u8>>> = client.get("k").expect("a get");
    assert_eq!(read.expect("a hit").0["a"], 1);
    // As the specification writes it: a map of one, a text of one, a 1.
    let (flags, bytes) = client.get_raw("k").expect("a get").expect("a hit");
    assert_eq!((flags, &bytes[..]), (0x4_0000, &b"\x81\xa1a\x01"[..]));
    let error = client.get::<Json<Visit>>("k").expect_err("another format");
    assert_eq!(error.kind(), ErrorKind::Decode);
    let error = client.get::<MsgPack<Visit>>("k").expect_err("another type");
    assert_eq!(error.kind(), ErrorKind::Decode);

    let strict = connect(&server, None);
    let error = strict
        .set("k", MsgPack(1), Ttl::Never)
        .expect_err("not named");
    assert_eq!(error.kind(), ErrorKind::Encode);
    let error = strict.get::<MsgPack<u8>>("k").expect_err("not named");
    assert_eq!(error.kind(), ErrorKind::Decode);
}

/// A format of one's own: flags and bytes that nobody else has a say in.
#[derive(Debug, PartialEq)]
struct Csv(Vec<u32>);

impl ToValue for Csv {
    fn to_value(&self) -> Result<Value<'_>> {
        let cells: Vec<_> = self.0.iter().map(u32::to_string).collect();
        Ok(Value::Foreign(Foreign::opaque(
            0,
            cells.join(",").into_bytes(),
        )))
    }
}

impl FromValue for Csv {
    fn from_value(value: Value<'_>) -> Result<Self> {
        let text = String::from_value(value)?;
        let cell = |cell: &str| cell.parse().expect("a number");
        Ok(Self(text.split(',').map(cell).collect()))
    }
}

#[test]
fn a_type_may_have_a_format_of_its_own() {
    let server = EmbeddedServer::start().expect("a server");
    let client = connect(&server, None);
    client
        .set("k", Csv(vec![1, 20]), Ttl::Never)
        .expect("a set");
    assert_eq!(
        client.get::<Csv>("k").expect("a get"),
        Some(Csv(vec![1, 20]))
    );
    assert_eq!(
        client.get::<String>("k").expect("a get").as_deref(),
        Some("1,20")
    );
}
