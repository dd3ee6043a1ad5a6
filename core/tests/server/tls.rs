//! TLS on the listener, with rustls at the other end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use memoxide::EmbeddedServer;
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
