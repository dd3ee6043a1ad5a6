use proptest::prelude::*;

use super::*;

fn parse(data: &[u8]) -> Tree {
    Tree::parse(data).unwrap_or_else(|error| panic!("{error}: {}", data.escape_ascii()))
}

fn written(tree: &Tree) -> String {
    let bytes = tree.serialize().expect("written");
    bytes.escape_ascii().to_string()
}

#[test]
fn an_object_and_its_references_move_together() {
    // x and the list's second element are one object, y is a reference to it.
    let data = br#"a:3:{s:1:"x";O:1:"P":1:{s:1:"n";i:1;}s:1:"l";a:2:{i:0;N;i:1;r:2;}s:1:"y";R:2;}"#;
    let mut tree = parse(data);
    let Node::Array(entries) = &mut tree.root else {
        panic!("an array");
    };
    entries.remove(0);
    entries.insert(
        0,
        (
            Key::from("new"),
            Node::Array(vec![(Key::Int(0), Node::Null)]),
        ),
    );
    assert_eq!(
        tree.serialize().expect("written"),
        br#"a:3:{s:3:"new";a:1:{i:0;N;}s:1:"l";a:2:{i:0;N;i:1;O:1:"P":1:{s:1:"n";i:1;}}s:1:"y";R:6;}"#
    );
}

#[test]
fn numbers_of_back_references_count() {
    // An r has a number of its own, an R has none.
    for data in [
        r#"a:4:{i:0;O:1:"P":0:{}i:1;r:2;i:2;i:5;i:3;R:4;}"#,
        r#"a:4:{i:0;i:1;i:1;R:2;i:2;i:5;i:3;R:3;}"#,
    ] {
        assert_eq!(
            parse(data.as_bytes()).serialize().expect("written"),
            data.as_bytes()
        );
    }
}

#[test]
fn a_back_reference_to_a_back_reference_is_the_object() {
    let tree = parse(br#"a:3:{i:0;O:1:"P":0:{}i:1;r:2;i:2;r:3;}"#);
    assert_eq!(
        tree.serialize().expect("written"),
        br#"a:3:{i:0;O:1:"P":0:{}i:1;r:2;i:2;r:2;}"#
    );
}

#[test]
fn references_lead_to_values_that_exist() {
    for data in [
        &b"R:1;"[..],
        b"r:1;",
        b"a:1:{i:0;R:0;}",
        b"a:1:{i:0;R:3;}",
        b"a:1:{i:0;r:2;}",
        b"a:2:{i:0;i:1;i:1;r:2;}",
        b"a:1:{i:0;R:18446744073709551616;}",
    ] {
        let error = Tree::parse(data).expect_err("no such value");
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.message().contains("reference"), "{error}");
    }
}

#[test]
fn objects_that_serialize_themselves_stay_as_they_are() {
    let data = r#"a:3:{i:0;i:1;i:1;C:3:"Old":10:{x:i:0;r:1;}i:2;R:2;}"#;
    let mut tree = parse(data.as_bytes());
    assert_eq!(tree.serialize().expect("written"), data.as_bytes());
    let Node::Array(entries) = &mut tree.root else {
        panic!("an array");
    };
    assert!(matches!(&entries[1].1, Node::Custom(custom) if custom.class() == b"Old"));
    // Its payload refers to others by number: it cannot move.
    entries.insert(0, (Key::from("new"), Node::Null));
    let error = tree.serialize().expect_err("moved");
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert!(error.message().contains("which have moved"));
}

#[test]
fn references_past_an_object_that_serializes_itself_are_refused() {
    // Its payload may hold any number of values.
    let data = br#"a:3:{i:0;C:3:"Old":0:{}i:1;i:5;i:2;R:3;}"#;
    let error = Tree::parse(data).expect_err("not countable");
    assert!(error.message().contains("serializes itself"), "{error}");
}

#[test]
fn values_that_contain_themselves_have_no_json() {
    for data in [&br#"O:1:"P":1:{s:2:"me";r:1;}"#[..], b"a:1:{i:0;R:1;}"] {
        let tree = parse(data);
        assert_eq!(tree.serialize().expect("written"), data);
        let error = tree.to_json(Objects::Properties).expect_err("endless");
        assert!(error.message().contains("contains itself"), "{error}");
    }
}

#[test]
fn shared_values_do_not_multiply_without_end() {
    // Thirty arrays, each with the one before twice: 2^30 values as JSON.
    let mut data = b"a:31:{i:0;a:1:{i:0;i:7;}".to_vec();
    let mut target = 2;
    for index in 1..31 {
        data.extend_from_slice(
            format!("i:{index};a:2:{{i:0;R:{target};i:1;R:{target};}}").as_bytes(),
        );
        target += if index == 1 { 2 } else { 1 };
    }
    data.push(b'}');
    let tree = parse(&data);
    assert_eq!(tree.serialize().expect("written"), data);
    let error = tree.to_json(Objects::Refuse).expect_err("too long");
    assert!(error.message().contains("too often"), "{error}");
}

#[test]
fn depth_and_length_have_limits() {
    let nested = |depth: usize| format!("{}N;{}", "a:1:{i:0;".repeat(depth), "}".repeat(depth));
    assert!(Tree::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    let error = Tree::parse(nested(MAX_DEPTH + 1).as_bytes()).expect_err("too deep");
    assert!(error.message().contains("too deeply"), "{error}");
    // A length that is not there costs nothing.
    assert!(Tree::parse(b"a:9999999999999999:{i:0;N;").is_err());
    assert!(Tree::parse(b"s:9999999999999999:\"x\";").is_err());
    assert!(Tree::parse(b"s:18446744073709551615:\"x\";").is_err());

    let mut node = Node::Null;
    for _ in 0..=MAX_DEPTH {
        node = Node::Array(vec![(Key::Int(0), node)]);
    }
    assert_eq!(
        Tree::from(node).serialize().map_err(|error| error.kind()),
        Err(ErrorKind::Encode)
    );
}

#[test]
fn properties_are_shown_when_asked_for() {
    let data = br#"O:1:"P":3:{s:1:"a";i:1;s:4:"\0*\0b";i:2;s:4:"\0P\0c";E:4:"S:Up";}"#;
    let data: Vec<u8> = data.to_vec();
    let data = String::from_utf8(data).expect("text").replace("\\0", "\0");
    let tree = parse(data.as_bytes());
    assert_eq!(
        tree.to_json(Objects::Properties).as_deref(),
        Ok(r#"{"a":1}"#)
    );
    assert!(tree.to_json(Objects::Refuse).is_err());
}

#[test]
fn json_that_php_cannot_hold_is_refused() {
    for text in [
        "9223372036854775808",
        "[9223372036854775808]",
        "{",
        "[1e999]",
    ] {
        let error = Tree::from_json(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Encode, "{text}");
    }
    assert_eq!(
        written(&Tree::from_json("-9223372036854775808").expect("64 bits")),
        "i:-9223372036854775808;"
    );
}

#[test]
fn a_set_variable_leaves_those_that_shared_its_value() {
    let mut session =
        Session::parse(SessionFormat::Php, b"r|a:1:{i:0;i:1;}s|R:1;t|R:2;").expect("a session");
    session.set_json("r", "5").expect("set");
    assert_eq!(
        session.serialize().expect("written"),
        b"r|i:5;s|a:1:{i:0;i:1;}t|R:3;"
    );
    assert_eq!(session.json("s").expect("json").as_deref(), Some("[1]"));
}

#[test]
fn variables_move_between_sessions_with_what_they_share() {
    let from = Session::parse(
        SessionFormat::Php,
        b"a|i:1;q|O:1:\"Q\":1:{s:4:\"peer\";r:2;}",
    )
    .expect("a session");
    let mut to = Session::parse(
        SessionFormat::PhpSerialize,
        b"a:2:{s:1:\"x\";i:1;s:1:\"y\";R:2;}",
    )
    .expect("a session");
    let object = from.serialized("q").expect("written").expect("there");
    assert_eq!(object, b"O:1:\"Q\":1:{s:4:\"peer\";r:1;}");
    to.set_serialized("q", &object).expect("set");
    assert_eq!(
        to.serialize().expect("written"),
        b"a:3:{s:1:\"x\";i:1;s:1:\"y\";R:2;s:1:\"q\";O:1:\"Q\":1:{s:4:\"peer\";r:3;}}"
    );
}

#[test]
fn names_that_php_would_lose_are_refused() {
    let long = "n".repeat(128);
    for (format, name, fine) in [
        (SessionFormat::Php, "a|b", false),
        (SessionFormat::PhpBinary, "a|b", true),
        (SessionFormat::PhpSerialize, "a|b", true),
        (SessionFormat::Php, &long, true),
        (SessionFormat::PhpBinary, &long, false),
        (SessionFormat::PhpSerialize, &long, true),
    ] {
        let mut session = Session::new(format);
        let set = session.set_json(name, "1").map_err(|error| error.kind());
        assert_eq!(
            set,
            if fine {
                Ok(())
            } else {
                Err(ErrorKind::InvalidArgument)
            }
        );
        if fine {
            let payload = session.serialize().expect("written");
            assert_eq!(Session::parse(format, &payload), Ok(session));
        }
    }
}

#[test]
fn other_session_formats_are_named() {
    for (payload, name) in [
        (&b"\0\0\0\x02\x14\0"[..], "igbinary"),
        (b"\x81\xa1a\x01", "msgpack"),
    ] {
        for format in SessionFormat::ALL {
            let error = Session::parse(format, payload).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.message().contains(name));
            assert_eq!(error.raw().map(|(_, raw)| &raw[..]), Some(payload));
        }
        let error = SessionFormat::by_name(name).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    let error = SessionFormat::by_name("wddx").expect_err("no such format");
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[test]
fn a_repeated_name_counts_once_and_last_as_in_php() {
    let session = Session::parse(SessionFormat::Php, b"a|i:1;b|i:2;a|i:3;").expect("a session");
    assert_eq!(session.serialize().expect("written"), b"a|i:3;b|i:2;");
}

/// A tree without shared values.
fn node() -> impl Strategy<Value = Node> {
    let key = prop_oneof![
        any::<i64>().prop_map(Key::Int),
        proptest::collection::vec(any::<u8>(), 0..6)
            .prop_filter("PHP makes integers of keys that look like one", |key| {
                !matches!(key.first(), Some(b'-' | b'0'..=b'9'))
            })
            .prop_map(Key::String),
    ];
    let leaf = prop_oneof![
        Just(Node::Null),
        any::<bool>().prop_map(Node::Bool),
        any::<i64>().prop_map(Node::Int),
        any::<f64>()
            .prop_filter("equal to itself", |number| !number.is_nan())
            .prop_map(|number| Node::Float(number.into())),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Node::String),
        Just(Node::Enum(b"Suit:Hearts".to_vec())),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let entries = proptest::collection::vec((key.clone(), inner), 0..6);
        prop_oneof![
            entries.clone().prop_map(Node::Array),
            entries.prop_map(|properties| Node::Object {
                class: b"App\\Item".to_vec(),
                properties
            }),
        ]
    })
}

/// Serialized data in which references, lengths and delimiters are rearranged.
fn shuffled() -> impl Strategy<Value = Vec<u8>> {
    let part = proptest::sample::select(vec![
        "a:2:{",
        "a:1:{",
        "}",
        "i:0;",
        "i:1;",
        "s:1:\"a\";",
        "N;",
        "b:1;",
        "d:0.5;",
        "R:1;",
        "R:2;",
        "R:3;",
        "r:1;",
        "r:2;",
        "r:3;",
        "O:1:\"P\":1:{",
        "C:1:\"C\":2:{r:}",
        "E:3:\"S:A\";",
        "a|",
        "b|",
        "\u{1}a",
        ":",
        "\"",
        ";",
        "5",
    ]);
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat().into_bytes())
}

/// An array of values, objects and references among them.
fn referring() -> impl Strategy<Value = Vec<u8>> {
    let part = (0_u8..5, any::<prop::sample::Index>());
    proptest::collection::vec(part, 1..12).prop_map(|parts| {
        // Value 1 is the array itself; what contains itself has no JSON.
        let (mut slot, mut values, mut objects) = (1, vec![], vec![]);
        let count = parts.len();
        let mut data = format!("a:{count}:{{");
        for (place, (kind, index)) in parts.into_iter().enumerate() {
            data += &format!("i:{place};");
            match kind {
                1 => {
                    data += r#"O:1:"P":2:{s:1:"a";i:1;s:1:"b";N;}"#;
                    objects.push(slot + 1);
                    values.extend([slot + 1, slot + 2, slot + 3]);
                    slot += 3;
                }
                2 if !values.is_empty() => {
                    data += &format!("a:1:{{i:0;R:{};}}", index.get(&values));
                    values.push(slot + 1);
                    slot += 1;
                }
                3 if !values.is_empty() => data += &format!("R:{};", index.get(&values)),
                4 if !objects.is_empty() => {
                    data += &format!("r:{};", index.get(&objects));
                    slot += 1;
                }
                _ => {
                    data += &format!("s:1:\"{}\";", place % 10);
                    values.push(slot + 1);
                    slot += 1;
                }
            }
        }
        (data + "}").into_bytes()
    })
}

proptest! {
    #[test]
    fn references_are_kept(bytes in referring()) {
        let again = parse(&bytes).serialize().expect("written");
        prop_assert_eq!(again.escape_ascii().to_string(), bytes.escape_ascii().to_string());
    }

    #[test]
    fn references_are_numbered_anew(bytes in referring(), removed in any::<prop::sample::Index>()) {
        let mut tree = parse(&bytes);
        let json = |node: &Node, shared: &Shared| json::write(node, shared, Objects::Properties);
        let Node::Array(entries) = &mut tree.root else {
            panic!("an array");
        };
        entries.remove(removed.index(entries.len()));
        let left: Vec<_> = entries.iter().map(|(_, node)| json(node, &tree.shared)).collect();
        let again = parse(&tree.serialize().expect("written"));
        let Node::Array(entries) = &again.root else {
            panic!("an array");
        };
        let read: Vec<_> = entries.iter().map(|(_, node)| json(node, &again.shared)).collect();
        prop_assert_eq!(read, left);
    }

    #[test]
    fn what_is_written_is_read(node in node()) {
        let tree = Tree::from(node);
        let bytes = tree.serialize().expect("written");
        prop_assert_eq!(Tree::parse(&bytes), Ok(tree));
    }

    #[test]
    fn what_is_read_is_written_as_it_was(bytes in shuffled()) {
        if let Ok(tree) = Tree::parse(&bytes) {
            let again = tree.serialize().expect("written");
            // Only a reference to a reference is written in another way.
            prop_assert_eq!(again.len(), bytes.len());
            prop_assert_eq!(Tree::parse(&again), Ok(tree.clone()));
            let _ = tree.to_json(Objects::Properties);
        }
        for format in SessionFormat::ALL {
            if let Ok(session) = Session::parse(format, &bytes) {
                match session.serialize() {
                    Ok(again) => prop_assert_eq!(Session::parse(format, &again), Ok(session)),
                    // A repeated name has moved an object that serializes itself.
                    Err(_) => prop_assert!(bytes.windows(2).any(|part| part == b"C:")),
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in any::<Vec<u8>>()) {
        let _ = Tree::parse(&bytes);
        let _ = SessionFormat::detect(&bytes);
    }

    #[test]
    fn json_goes_through_php_and_back(node in node()) {
        let tree = Tree::from(node);
        if let Ok(text) = tree.to_json(Objects::Refuse)
            && let Ok(again) = Tree::from_json(&text)
        {
            prop_assert_eq!(again.to_json(Objects::Refuse), Ok(text));
        }
    }
}
