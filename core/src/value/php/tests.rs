use super::*;

#[test]
fn a_session_keeps_a_value_whose_first_variable_is_removed() {
    let mut session = Session::parse(SessionFormat::Php, b"r|i:1;s|R:1;").expect("a session");
    assert!(session.remove("r"));
    assert_eq!(session.serialize().expect("written"), b"s|i:1;");
}
