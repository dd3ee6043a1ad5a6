use rustls::{ClientConnection, ServerConnection};

use super::*;

macro_rules! pem {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/vectors/tls/", $name)).as_slice()
    };
}

fn server_identity() -> Identity {
    Identity::from_pem(pem!("server.pem"), pem!("server.key")).unwrap()
}

/// Joins both ends in memory and returns the first error of either.
fn handshake(client: &ClientTls, server: &ServerTls, host: &str) -> Result<(), String> {
    let name = client.name_for(host).unwrap();
    let mut client = ClientConnection::new(client.config().unwrap(), name).unwrap();
    let mut server = ServerConnection::new(server.config().unwrap()).unwrap();
    let mut bytes = Vec::new();
    while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
        bytes.clear();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets().map_err(|e| e.to_string())?;
        bytes.clear();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets().map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn trusting() -> ClientTls {
    ClientTls::new().ca_pem(pem!("ca.pem")).unwrap()
}

#[test]
fn a_trusted_certificate_for_the_host_is_accepted() {
    let server = ServerTls::new(server_identity());
    for host in ["localhost", "127.0.0.1", "::1", "[::1]"] {
        handshake(&trusting(), &server, host).unwrap();
    }
    handshake(&trusting().tls13_only(), &server, "localhost").unwrap();
}

#[test]
fn another_authority_name_or_date_is_refused() {
    let server = ServerTls::new(server_identity());
    let stranger = ClientTls::new().ca_pem(pem!("other-ca.pem")).unwrap();
    let error = handshake(&stranger, &server, "localhost").unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
    let error = handshake(&trusting(), &server, "other.invalid").unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
    let expired = Identity::from_pem(pem!("expired.pem"), pem!("expired.key")).unwrap();
    let error = handshake(&trusting(), &ServerTls::new(expired), "localhost").unwrap_err();
    assert!(error.contains("expired"), "{error}");
}

#[test]
fn a_given_server_name_replaces_the_host() {
    let identity = Identity::from_pem(pem!("wrong-name.pem"), pem!("wrong-name.key")).unwrap();
    let server = ServerTls::new(identity);
    assert!(handshake(&trusting(), &server, "localhost").is_err());
    handshake(
        &trusting().server_name("cache.invalid"),
        &server,
        "localhost",
    )
    .unwrap();
}

#[test]
fn without_verification_anything_goes() {
    let expired = Identity::from_pem(pem!("expired.pem"), pem!("expired.key")).unwrap();
    let client = ClientTls::new().without_verification();
    handshake(&client, &ServerTls::new(expired), "somewhere.invalid").unwrap();
}

#[test]
fn a_client_certificate_is_asked_for_as_told() {
    let ask = |certificate| {
        ServerTls::new(server_identity())
            .client_ca_pem(pem!("ca.pem"), certificate)
            .unwrap()
    };
    let known = Identity::from_pem(pem!("client.pem"), pem!("client.key")).unwrap();
    let known = trusting().identity(known);
    handshake(&known, &ask(ClientCertificate::Required), "localhost").unwrap();
    handshake(&trusting(), &ask(ClientCertificate::Requested), "localhost").unwrap();
    let required = ask(ClientCertificate::Required);
    assert!(handshake(&trusting(), &required, "localhost").is_err());
}

#[test]
fn the_systems_authorities_do_not_know_ours() {
    // A machine without authorities fails earlier, with a message of its own.
    let Ok(_) = ClientTls::new().config() else {
        return;
    };
    let server = ServerTls::new(server_identity());
    assert!(handshake(&ClientTls::new(), &server, "localhost").is_err());
}

#[test]
fn damaged_files_are_named() {
    let error = Identity::from_files("missing.pem", "missing.key").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.endpoint(), Some("missing.pem"));
    let error = Identity::from_pem(pem!("server.pem"), pem!("server.pem")).unwrap_err();
    assert_eq!(error.message(), "no private key found in PEM");
    let error = ClientTls::new().ca_pem(b"nothing").unwrap_err();
    assert_eq!(error.message(), "no certificate found in PEM");
}

#[test]
fn debug_hides_the_key() {
    assert_eq!(
        format!("{:?}", server_identity()),
        "Identity { certificates: 1, key: \"***\" }"
    );
}
