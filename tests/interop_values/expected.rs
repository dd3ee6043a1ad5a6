//! The values of the recorded cases, from their JSON or their source expression.

use serde_json::{Value as Json, json};

/// A value as its language has it, apart from the way it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    Bytes(Vec<u8>),
    /// Digests end to end, stored as they are by every setting of the client:
    /// what the settings stored is compared.
    Digests,
    Int(String),
    /// What JSON holds, except text and integers.
    Json(Json),
    NonFinite(f64),
    /// An object of the language, without a neutral value.
    Object,
    Text(String),
}

/// Where an expected value comes from.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Source {
    Expression,
    Json,
}

/// Returns the value of a case. Panics on an expression that nobody has looked
/// at, so that no case passes unchecked.
pub(crate) fn expected(case: &Json) -> (Expected, Source) {
    if let Some(value) = case.get("value_json") {
        return (from_json(value), Source::Json);
    }
    for (language, evaluate) in [
        ("python", python as fn(&str) -> Option<Expected>),
        ("js", javascript),
        ("php", php),
        ("ruby", ruby),
    ] {
        if let Some(expression) = case[language].as_str() {
            let value = evaluate(expression)
                .unwrap_or_else(|| panic!("no value known for {language} {expression}"));
            return (value, Source::Expression);
        }
    }
    panic!("a case without a value: {case}");
}

fn from_json(value: &Json) -> Expected {
    match value {
        Json::String(text) => Expected::Text(text.clone()),
        Json::Number(number) if number.is_i64() || number.is_u64() => {
            Expected::Int(number.to_string())
        }
        value => Expected::Json(value.clone()),
    }
}

fn python(expression: &str) -> Option<Expected> {
    Some(match expression {
        "b''" => bytes(b""),
        "b'hello'" => bytes(b"hello"),
        r"b'\x00\x01\xfe\xff\r\nEND\r\n'" => bytes(b"\x00\x01\xfe\xff\r\nEND\r\n"),
        "bytes(range(256))" => Expected::Bytes((0..=255).collect()),
        "b'y' * 5000" => Expected::Bytes(vec![b'y'; 5000]),
        "2**63-1" => int("9223372036854775807"),
        "2**63" => int("9223372036854775808"),
        "2**64" => int("18446744073709551616"),
        "-2**63-1" => int("-9223372036854775809"),
        "10**40" => Expected::Int(format!("1{}", "0".repeat(40))),
        "float('inf')" => Expected::NonFinite(f64::INFINITY),
        "'x' * 5000" => repeated("x", 5000),
        r"'\u00e9' * 3000" => repeated("\u{e9}", 3000),
        "'a' * 401" => repeated("a", 401),
        "list(range(2000))" => Expected::Json((0..2000).collect()),
        "{'rows': [{'id': i, 'name': 'user%d' % i} for i in range(200)]}" => {
            Expected::Json(json!({"rows": users(200)}))
        }
        "(1, 2, 3)"
        | "{1: 'int key'}"
        | "{'k': b'bytes'}"
        | "set([1])"
        | "datetime.datetime(2024, 1, 2, 3, 4, 5)"
        | "decimal.Decimal('12.34')"
        | "uuid.UUID('12345678-1234-5678-1234-567812345678')" => Expected::Object,
        _ => return None,
    })
}

fn javascript(expression: &str) -> Option<Expected> {
    Some(match expression {
        "Buffer.from('hello')" => bytes(b"hello"),
        "Buffer.from([0,1,254,255,13,10])" => bytes(b"\x00\x01\xfe\xff\r\n"),
        "Buffer.alloc(5000,0x79)" => Expected::Bytes(vec![b'y'; 5000]),
        "NaN" => Expected::NonFinite(f64::NAN),
        "Infinity" => Expected::NonFinite(f64::INFINITY),
        "'x'.repeat(5000)" => repeated("x", 5000),
        r"'\u00e9'.repeat(3000)" => repeated("\u{e9}", 3000),
        "({u:undefined,d:new Date(0)})" => Expected::Json(json!({"d": "1970-01-01T00:00:00.000Z"})),
        "({rows:Array.from({length:200},(_,i)=>({id:i,name:'user'+i}))})" => {
            Expected::Json(json!({"rows": users(200)}))
        }
        "new Date(1704164645000)" | "new Map([['a',1]])" | "new Uint8Array([1,2,3])" => {
            Expected::Object
        }
        _ => return None,
    })
}

fn php(expression: &str) -> Option<Expected> {
    Some(match expression {
        r#""line1\r\nline2\0\xff""# => bytes(b"line1\r\nline2\x00\xff"),
        "INF" => Expected::NonFinite(f64::INFINITY),
        "-INF" => Expected::NonFinite(f64::NEG_INFINITY),
        "NAN" => Expected::NonFinite(f64::NAN),
        "str_repeat('x',5000)" => repeated("x", 5000),
        "str_repeat('ab',1000)" => repeated("ab", 1000),
        "str_repeat('x',1999)" => repeated("x", 1999),
        "str_repeat('x',2000)" => repeated("x", 2000),
        r#"str_repeat("caf\u{e9} ",600)"# => repeated("caf\u{e9} ", 600),
        r#"array_map(fn($i)=>['id'=>$i,'name'=>"user$i"],range(0,199))"# => {
            Expected::Json(users(200))
        }
        "(object)['a'=>1,'b'=>'x']"
        | "new ArrayObject([1,2])"
        | "new DateTime('2024-01-02 03:04:05 UTC')"
        | "new P('v')" => Expected::Object,
        "hash('sha512','seed',true).random_like(3000)" => Expected::Digests,
        _ => return None,
    })
}

fn ruby(expression: &str) -> Option<Expected> {
    Some(match expression {
        "''" => text(""),
        "'hello'" => text("hello"),
        r#""caf\u00e9 \u65e5\u672c""# => text("caf\u{e9} \u{65e5}\u{672c}"),
        r#""\x00\xFF\r\n".b"# => bytes(b"\x00\xff\r\n"),
        "'latin'.encode('ISO-8859-1')" => text("latin"),
        "0" | "1" | "-1" | "42" | "255" | "65536" => int(expression),
        "2**30-1" => int("1073741823"),
        "2**30" => int("1073741824"),
        "2**31" => int("2147483648"),
        "2**62" => int("4611686018427387904"),
        "2**64" => int("18446744073709551616"),
        "-2**70" => int("-1180591620717411303424"),
        "true" => Expected::Json(json!(true)),
        "false" => Expected::Json(json!(false)),
        "nil" => Expected::Json(Json::Null),
        "0.0" => Expected::Json(json!(0.0)),
        "1.5" => Expected::Json(json!(1.5)),
        "-3.141592653589793" => Expected::Json(json!(-std::f64::consts::PI)),
        "1e308" => Expected::Json(json!(1e308)),
        "Float::INFINITY" => Expected::NonFinite(f64::INFINITY),
        "[]" => Expected::Json(json!([])),
        "[1,'two',3.5,nil,true]" => Expected::Json(json!([1, "two", 3.5, null, true])),
        "{'a'=>1,'b'=>['x','y']}" => Expected::Json(json!({"a": 1, "b": ["x", "y"]})),
        "{a: 1, b: {c: nil}}" => Expected::Json(json!({"a": 1, "b": {"c": null}})),
        "['r','r']" => Expected::Json(json!(["r", "r"])),
        "'x'*5000" => repeated("x", 5000),
        "'x'*4095" => repeated("x", 4095),
        "'x'*4096" => repeated("x", 4096),
        r#""\u00e9"*3000"# => repeated("\u{e9}", 3000),
        r##"(0...300).map{|i| {id: i, name: "user#{i}"}}"## => Expected::Json(users(300)),
        ":sym"
        | "1..5"
        | "Set.new([1,2])"
        | "Time.at(1704164645,123456,:usec).utc"
        | "Pt.new(1,2)" => Expected::Object,
        _ => return None,
    })
}

fn bytes(bytes: &[u8]) -> Expected {
    Expected::Bytes(bytes.to_vec())
}

fn int(digits: &str) -> Expected {
    Expected::Int(digits.to_owned())
}

fn text(text: &str) -> Expected {
    Expected::Text(text.to_owned())
}

fn repeated(text: &str, times: usize) -> Expected {
    Expected::Text(text.repeat(times))
}

fn users(count: u32) -> Json {
    (0..count)
        .map(|id| json!({"id": id, "name": format!("user{id}")}))
        .collect()
}
