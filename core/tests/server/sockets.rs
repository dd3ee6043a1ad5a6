//! What connects, and how bytes travel.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use memoxide::EmbeddedServer;

use crate::support::Peer;

#[test]
fn a_client_that_finished_sending_still_gets_its_replies() {
    let server = EmbeddedServer::start().unwrap();
    let mut peer = Peer::connect(&server);
    peer.send(b"set k 0 0 1\r\nv\r\nget k\r\nversion\r\n");
    peer.finish_sending();
    peer.expect(b"STORED\r\nVALUE k 0 1\r\nv\r\nEND\r\nVERSION 1.6.45\r\n");
    peer.expect_end();
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let server = EmbeddedServer::start().unwrap();
    let mut peer = Peer::connect(&server);
    for byte in b"set k 0 0 3\r\nabc\r\nget k\r\n".chunks(1) {
        peer.send(byte);
    }
    peer.expect(b"STORED\r\nVALUE k 0 3\r\nabc\r\nEND\r\n");
}

#[test]
fn replies_wait_for_a_client_that_reads_late() {
    let server = EmbeddedServer::start().unwrap();
    let value = vec![b'x'; 500_000];
    let mut peer = Peer::connect(&server);
    peer.send(b"set big 0 0 500000\r\n");
    peer.send(&value);
    peer.ask(b"\r\n", b"STORED\r\n");
    // Far more than the sockets' buffers take.
    let mut sender = peer.0.try_clone().unwrap();
    let rounds = 200;
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        for _ in 0..rounds {
            sender.write_all(b"get big\r\n").unwrap();
        }
        sender.write_all(b"version\r\n").unwrap();
    });
    let mut reply = b"VALUE big 0 500000\r\n".to_vec();
    reply.extend_from_slice(&value);
    reply.extend_from_slice(b"\r\nEND\r\n");
    for _ in 0..rounds {
        peer.expect(&reply);
    }
    peer.expect(b"VERSION 1.6.45\r\n");
    writer.join().unwrap();
}

#[test]
fn pipelines_longer_than_a_read_are_answered_in_order() {
    let server = EmbeddedServer::start().unwrap();
    let mut peer = Peer::connect(&server);
    let mut requests = Vec::new();
    let mut replies = Vec::new();
    for number in 0..20_000 {
        requests.extend_from_slice(format!("set key{number} {number} 0 1\r\nv\r\n").as_bytes());
        replies.extend_from_slice(b"STORED\r\n");
    }
    for number in (0..20_000).step_by(7) {
        requests.extend_from_slice(format!("get key{number}\r\n").as_bytes());
        replies
            .extend_from_slice(format!("VALUE key{number} {number} 1\r\nv\r\nEND\r\n").as_bytes());
    }
    let mut sender = peer.0.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        sender.write_all(&requests).unwrap();
    });
    peer.expect(&replies);
    writer.join().unwrap();
}

#[test]
fn a_dump_is_sent_whole_to_a_client_that_finished_sending() {
    let server = EmbeddedServer::start().unwrap();
    let mut peer = Peer::connect(&server);
    for number in 0..5000 {
        peer.send(format!("set key{number} 0 0 1 noreply\r\nv\r\n").as_bytes());
    }
    peer.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    peer.send(b"lru_crawler metadump all\r\n");
    peer.finish_sending();
    let mut dump = String::new();
    std::io::Read::read_to_string(&mut peer.0, &mut dump).unwrap();
    assert_eq!(
        dump.lines()
            .filter(|line| line.starts_with("key=key"))
            .count(),
        5000
    );
    assert_eq!(dump.lines().last(), Some("END"));
}

#[test]
fn a_watcher_hears_of_others_and_may_leave() {
    let server = EmbeddedServer::start().unwrap();
    let mut watcher = Peer::connect(&server);
    watcher.ask(b"watch fetchers\r\n", b"OK\r\n");
    Peer::connect(&server).ask(b"get k\r\n", b"END\r\n");
    watcher.expect(b"ts=");
    drop(watcher);
    while server.open_connections() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn ipv6_works() {
    let address = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let server = EmbeddedServer::builder().address(address).start().unwrap();
    assert_eq!(server.endpoint(), format!("[::1]:{}", server.port()));
    Peer::connect(&server).ask(b"version\r\n", b"VERSION 1.6.45\r\n");
}

#[test]
fn several_addresses_share_one_store() {
    let v4 = SocketAddr::from(([127, 0, 0, 1], 0));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let builder = EmbeddedServer::builder().listen(v4).listen(v6);
    let server = builder.start().unwrap();
    let endpoints: Vec<_> = server.endpoints().collect();
    assert_eq!(endpoints.len(), 2);
    assert_eq!(endpoints[0], server.endpoint());
    Peer::connect(&server).ask(b"set k 0 0 1\r\nv\r\n", b"STORED\r\n");
    let mut peer = Peer(std::net::TcpStream::connect(endpoints[1]).unwrap());
    peer.ask(b"get k\r\n", b"VALUE k 0 1\r\nv\r\nEND\r\n");
}

#[cfg(unix)]
#[test]
fn a_unix_socket_works_and_goes_with_the_server() {
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;

    let path = std::env::temp_dir().join(format!("memoxide-sockets-{}", std::process::id()));
    let server = EmbeddedServer::builder()
        .unix_socket(&path)
        .start()
        .unwrap();
    assert_eq!(server.endpoint(), path.to_str().unwrap());
    assert_eq!((server.address(), server.port()), (None, 0));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut socket = UnixStream::connect(&path).unwrap();
    socket.write_all(b"version\r\n").unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).unwrap();
    assert_eq!(reply, "VERSION 1.6.45\r\n");
    drop(server);
    assert!(!path.exists());
}
