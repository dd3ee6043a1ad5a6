use super::*;

#[test]
fn patterns_fit_as_in_a_shell() {
    let cases: [(&str, &str, bool); 12] = [
        ("", "", true),
        ("*", "", true),
        ("*", "anything", true),
        ("user:*", "user:1", true),
        ("user:*", "user:", true),
        ("user:*", "users:1", false),
        ("*:1", "user:1:1", true),
        ("u?er", "user", true),
        ("u?er", "uer", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-b-b-", false),
        ("abc", "abcd", false),
    ];
    for (pattern, text, expected) in cases {
        let fit = fits(pattern.as_bytes(), text.as_bytes());
        assert_eq!(fit, expected, "{pattern} {text}");
    }
}

#[test]
fn a_pattern_of_stars_takes_no_time() {
    let pattern = "*a".repeat(100);
    assert!(!fits(pattern.as_bytes(), "b".repeat(250).as_bytes()));
}

#[test]
fn numbers_are_chosen_in_four_ways() {
    let read = |json: &str| serde_json::from_str::<Numbers>(json).unwrap();
    let chosen = |json: &str| -> Vec<u64> {
        let numbers = read(json);
        (0..8).filter(|&number| numbers.contains(number)).collect()
    };
    assert_eq!(chosen("3"), [3]);
    assert_eq!(chosen("[1, 5]"), [1, 5]);
    assert_eq!(chosen(r#"{"from": 2, "to": 4}"#), [2, 3, 4]);
    assert_eq!(chosen(r#"{"from": 6}"#), [6, 7]);
    assert_eq!(chosen(r#"{"every": 3}"#), [3, 6]);
    assert!(serde_json::from_str::<Numbers>(r#"{"form": 2}"#).is_err());
}

#[test]
fn rules_survive_their_json() {
    let json = r#"{"action":"slice","average":10,"command":["get","mg"],"connection":{"from":2},"key":"a*","name":"n","probability":0.5,"request":{"every":2},"seconds":0.25,"seed":7,"skip":1,"stream":"replies","times":3,"variation":4}"#;
    let rules = Rule::parse(json).unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].to_json(), json);
}

#[test]
fn the_name_of_a_preset_needs_no_quotes() {
    assert_eq!(Rule::parse("slow"), Rule::parse("\"slow\""));
    let error = Rule::parse("sloow").unwrap_err();
    assert_eq!(error.message(), "no fault preset is called \"sloow\"");
    assert!(Rule::parse("").is_err());
}

#[test]
fn every_action_reads_back() {
    for action in [
        r#"{"action":"accept_and_close"}"#,
        r#"{"action":"accept_and_hang","seconds":1.5}"#,
        r#"{"action":"tls_failure","how":"garbage"}"#,
        r#"{"action":"truncate","bytes":5,"then":"reset"}"#,
        r#"{"action":"error","kind":"out_of_memory","when":"before"}"#,
        r#"{"action":"wrong_length","by":-2}"#,
        r#"{"action":"clock_jump","seconds":-5}"#,
    ] {
        let rules = Rule::parse(action).unwrap();
        assert_eq!(rules[0].to_json(), action);
    }
}

#[test]
fn mistakes_are_named() {
    let cases = [
        ("{", "not a fault rule: EOF while parsing"),
        ("7", "a fault rule is an object, a list, or a name"),
        (r#"{"key": "a"}"#, "a fault rule needs an action"),
        (
            r#"{"action": "explode"}"#,
            "not a fault rule: unknown variant `explode`",
        ),
        (
            r#"{"action": "delay"}"#,
            "not a fault rule: missing field `seconds`",
        ),
        (
            r#"{"action": "delay", "seconds": -1}"#,
            "not a fault rule: -1 is no number",
        ),
        (
            r#"{"action": "close", "keys": "a"}"#,
            "close has no field \"keys\"",
        ),
        (
            r#"{"action": "drip", "bytes": 0}"#,
            "drip sends pieces of no bytes",
        ),
        (
            r#"{"action": "close", "probability": 2}"#,
            "probability is not between",
        ),
        (
            r#"{"action": "refuse", "times": 1}"#,
            "times means nothing to refuse",
        ),
        (
            r#"{"action": "accept_and_close", "key": "a"}"#,
            "key means nothing to accept_and",
        ),
        (r#""slowish""#, "no fault preset is called \"slowish\""),
    ];
    for (json, message) in cases {
        let error = Rule::parse(json).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{json}");
        assert!(error.message().starts_with(message), "{json}: {error}");
    }
}
