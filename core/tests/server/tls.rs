//! TLS on the listener, with rustls at the other end.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use memoxide::EmbeddedServer;
use memoxide::server::Clock;
use memoxide::tls::{ClientCertificate, ClientTls, Identity, ServerTls};
use rustls::{ClientConnection, StreamOwned};

use crate::support::{PATIENCE, Peer};

macro_rules! pem {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/vectors/tls/", $name)).as_slice()
    };
}

fn server_tls() -> ServerTls {
    ServerTls::new(Identity::from_pem(pem!("server.pem"), pem!("server.key")).unwrap())
}

fn client_tls() -> ClientTls {
    ClientTls::new().ca_pem(pem!("ca.pem")).unwrap()
}

fn connect(server: &EmbeddedServer, tls: &ClientTls) -> StreamOwned<ClientConnection, TcpStream> {
    let socket = TcpStream::connect(server.endpoint()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = tls.name_for("127.0.0.1").unwrap();
    let session = ClientConnection::new(Arc::clone(&tls.config().unwrap()), name).unwrap();
    StreamOwned::new(session, socket)
}

#[test]
fn large_values_travel_both_ways() {
    let server = EmbeddedServer::builder().tls(server_tls()).start().unwrap();
    for tls in [client_tls(), client_tls().tls13_only()] {
        let mut stream = connect(&server, &tls);
        let value: Vec<u8> = (0..400_000u32).map(|n| b'a' + (n % 26) as u8).collect();
        stream.write_all(b"set big 0 0 400000\r\n").unwrap();
        stream.write_all(&value).unwrap();
        stream.write_all(b"\r\nget big\r\nquit\r\n").unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        let mut expected = b"STORED\r\nVALUE big 0 400000\r\n".to_vec();
        expected.extend_from_slice(&value);
        expected.extend_from_slice(b"\r\nEND\r\n");
        assert!(reply == expected, "{} bytes", reply.len());
    }
}

#[test]
fn a_client_that_finished_sending_still_gets_its_replies() {
    let server = EmbeddedServer::builder().tls(server_tls()).start().unwrap();
    let mut stream = connect(&server, &client_tls());
    stream.write_all(b"version\r\n").unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert_eq!(reply, "VERSION 1.6.45\r\n");
}

#[test]
fn clients_without_a_certificate_are_refused_where_it_is_required() {
    let tls = server_tls()
        .client_ca_pem(pem!("ca.pem"), ClientCertificate::Required)
        .unwrap();
    let server = EmbeddedServer::builder().tls(tls).start().unwrap();
    let mut stream = connect(&server, &client_tls());
    // With TLS 1.3 the refusal arrives after the client's own handshake.
    let asked = stream.write_all(b"version\r\n");
    let error = asked.and_then(|()| stream.read(&mut [0; 64])).unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    let known = Identity::from_pem(pem!("client.pem"), pem!("client.key")).unwrap();
    let mut stream = connect(&server, &client_tls().identity(known));
    stream.write_all(b"version\r\nquit\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert_eq!(reply, "VERSION 1.6.45\r\n");
}

#[test]
fn plain_bytes_end_the_handshake() {
    let server = EmbeddedServer::builder().tls(server_tls()).start().unwrap();
    let mut peer = Peer::connect(&server);
    peer.send(b"version\r\n");
    let mut reply = Vec::new();
    peer.0.read_to_end(&mut reply).unwrap();
    // A fatal alert in an unencrypted record.
    assert_eq!(&reply[..1], [0x15], "{reply:?}");
}

#[test]
fn an_address_may_stay_plain() {
    let builder = EmbeddedServer::builder().tls(server_tls());
    let server = builder
        .listen_plain(([127, 0, 0, 1], 0).into())
        .listen(([127, 0, 0, 1], 0).into())
        .start()
        .unwrap();
    Peer::connect(&server).ask(b"version\r\n", b"VERSION 1.6.45\r\n");
}

/// Sends commands on a connection of their own and returns the certificate's
/// bytes with the replies.
fn converse(server: &EmbeddedServer, requests: &str) -> (Vec<u8>, String) {
    let mut stream = connect(server, &ClientTls::new().without_verification());
    write!(stream, "{requests}quit\r\n").unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    let chain = stream.conn.peer_certificates().unwrap();
    (chain[0].to_vec(), replies)
}

#[test]
fn certificates_are_read_again_when_a_client_says_so() {
    let folder = std::env::temp_dir().join(format!("memoxide-refresh-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (chain, key) = (folder.join("server.pem"), folder.join("server.key"));
    fs::write(&chain, pem!("server.pem")).unwrap();
    fs::write(&key, pem!("server.key")).unwrap();
    let identity = Identity::from_files(&chain, &key).unwrap();
    let builder = EmbeddedServer::builder().tls(ServerTls::new(identity));
    let server = builder.start().unwrap();
    let refresh = "refresh_certs\r\n";

    let (first, replies) = converse(&server, "refresh_certs noreply\r\nrefresh_certs a b\r\n");
    assert_eq!(replies, "OK\r\n");
    // The files are new, and the server knows the old ones.
    fs::write(&chain, pem!("wrong-name.pem")).unwrap();
    fs::write(&key, pem!("wrong-name.key")).unwrap();
    assert_eq!(converse(&server, "").0, first);
    assert_eq!(
        converse(&server, refresh),
        (first.clone(), "OK\r\n".to_owned())
    );
    let (second, _) = converse(&server, "");
    assert_ne!(second, first);

    // What cannot be used leaves everything as it was.
    fs::write(&key, pem!("server.key")).unwrap();
    let (_, replies) = converse(&server, refresh);
    assert!(replies.starts_with("Error loading the key: "), "{replies}");
    fs::write(&key, "garbage").unwrap();
    let (_, replies) = converse(&server, refresh);
    let complaint = format!("Error loading the key: {} : no private key", key.display());
    assert!(replies.starts_with(&complaint), "{replies}");
    fs::remove_file(&chain).unwrap();
    let (_, replies) = converse(&server, "refresh_certs noreply\r\n");
    let complaint = format!(
        "Error loading the certificate chain: {} : ",
        chain.display()
    );
    assert!(replies.starts_with(&complaint), "{replies}");
    assert_eq!(converse(&server, ""), (second, String::new()));

    // A restarted server still can.
    fs::write(&chain, pem!("server.pem")).unwrap();
    fs::write(&key, pem!("server.key")).unwrap();
    server.restart(Duration::ZERO).unwrap();
    assert_eq!(converse(&server, refresh).1, "OK\r\n");
    assert_eq!(converse(&server, "").0, first);
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn handshakes_that_fail_are_counted() {
    // The last lines count seconds.
    let clock = Clock::virtual_at(1_700_000_000);
    let builder = EmbeddedServer::builder().clock(clock);
    let server = builder.tls(server_tls()).start().unwrap();
    let stats = || converse(&server, "stats\r\n").1;
    assert!(stats().contains("STAT ssl_handshake_errors 0\r\n"));
    let mut peer = Peer::connect(&server);
    peer.send(b"version\r\n");
    let _ = peer.0.read_to_end(&mut Vec::new());
    // The server counts it as it closes the connection, which it has done.
    assert!(stats().contains("STAT ssl_handshake_errors 1\r\n"));
    converse(&server, "refresh_certs\r\n");
    assert!(stats().contains("STAT time_since_server_cert_refresh 0\r\n"));
    server.clock().advance(5);
    assert!(stats().contains("STAT time_since_server_cert_refresh 5\r\n"));
}

#[test]
fn certificates_from_memory_stay() {
    let server = EmbeddedServer::builder().tls(server_tls()).start().unwrap();
    assert_eq!(converse(&server, "refresh_certs\r\n").1, "OK\r\n");
}

#[test]
fn without_tls_there_is_nothing_to_read() {
    let server = EmbeddedServer::start().unwrap();
    // As memcached 1.6.18 answers, noreply or not.
    for request in ["refresh_certs", "refresh_certs x", "refresh_certs noreply"] {
        let request = format!("{request}\r\n");
        Peer::connect(&server).ask(request.as_bytes(), b"Error TLS not enabled\r\n");
    }
}
