//! Credentials and TLS, through both clients.

use std::path::{Path, PathBuf};

use memoxide::client::{Builder, Setting};
use memoxide::server::Credential;
use memoxide::tls::{ClientCertificate, Identity, ServerTls};
use memoxide::{AsyncClient, Client, EmbeddedServer, ErrorKind, Phase, Result, Sent, Ttl};
use tokio::runtime::Runtime;

/// What the tests ask of a client.
trait Surface: Sized {
    fn new(builder: Builder) -> Result<Self>;
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;
    fn set(&self, key: &str, value: &[u8]) -> Result<bool>;
    fn set_multi(&self, items: &[(String, Vec<u8>)]) -> Result<Vec<usize>>;
    fn get_multi(&self, keys: &[String]) -> Result<usize>;
}

impl Surface for Client {
    fn new(builder: Builder) -> Result<Self> {
        builder.build()
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Self::get(self, key)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<bool> {
        Self::set(self, key, value, Ttl::Never)
    }

    fn set_multi(&self, items: &[(String, Vec<u8>)]) -> Result<Vec<usize>> {
        Self::set_multi(self, items, Ttl::Never)
    }

    fn get_multi(&self, keys: &[String]) -> Result<usize> {
        Self::get_multi::<_, Vec<u8>>(self, keys).map(|found| found.len())
    }
}

struct Waiting(AsyncClient, Runtime);

impl Surface for Waiting {
    fn new(builder: Builder) -> Result<Self> {
        let runtime = Runtime::new().expect("a runtime");
        builder.build_async().map(|client| Self(client, runtime))
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.1.block_on(self.0.get(key))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<bool> {
        self.1.block_on(self.0.set(key, value, Ttl::Never))
    }

    fn set_multi(&self, items: &[(String, Vec<u8>)]) -> Result<Vec<usize>> {
        self.1.block_on(self.0.set_multi(items, Ttl::Never))
    }

    fn get_multi(&self, keys: &[String]) -> Result<usize> {
        let found = self.1.block_on(self.0.get_multi::<_, Vec<u8>>(keys));
        found.map(|found| found.len())
    }
}

/// One test for each client.
macro_rules! surfaces {
    ($($name:ident $blocking:ident $asynchronous:ident;)*) => {$(
        #[test]
        fn $blocking() {
            $name::<Client>();
        }

        #[test]
        fn $asynchronous() {
            $name::<Waiting>();
        }
    )*};
}

surfaces! {
    credentials blocking_credentials async_credentials;
    wrong_credentials blocking_wrong_credentials async_wrong_credentials;
    encrypted blocking_encrypted async_encrypted;
    large_values blocking_large_values async_large_values;
    certificates blocking_certificates async_certificates;
    client_certificates blocking_client_certificates async_client_certificates;
    not_tls blocking_not_tls async_not_tls;
    both blocking_both async_both;
}

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/tls");
    folder.join(name)
}

fn path(name: &str) -> String {
    file(name).to_str().expect("a path").to_owned()
}

/// A client of `server` with options by name.
fn connect<S: Surface>(server: &EmbeddedServer, options: &[(&str, &str)]) -> Result<S> {
    let mut builder = Builder::default().server(server.endpoint())?;
    // A handshake takes its time in an unoptimised build on a busy machine.
    let common = [("timeout", "10"), ("connect_timeout", "10")];
    for (name, value) in common.iter().chain(options) {
        builder = builder.option(name, &Setting::Text(value))?;
    }
    S::new(builder)
}

const ANN: [(&str, &str); 3] = [
    ("username", "ann"),
    ("password", "se cret"),
    ("auth", "ascii"),
];

fn guarded() -> EmbeddedServer {
    let ann = Credential::new("ann", "se cret");
    EmbeddedServer::builder()
        .auth([ann])
        .start()
        .expect("a server")
}

fn credentials<S: Surface>() {
    let server = guarded();
    for protocol in ["auto", "meta", "text"] {
        let options = [&ANN[..], &[("protocol", protocol)]].concat();
        let client: S = connect(&server, &options).expect("a client");
        assert_eq!(client.get("absent").expect("a get"), None);
        assert!(client.set("k", b"v").expect("a set"));
        assert_eq!(client.get("k").expect("a get").as_deref(), Some(&b"v"[..]));
        // Each connection authenticates anew.
        server.disconnect_all().expect("a running server");
        assert_eq!(client.get("k").expect("a get").as_deref(), Some(&b"v"[..]));
    }
    // A server that asks for nothing keeps nothing of them.
    let open = EmbeddedServer::start().expect("a server");
    let client: S = connect(&open, &ANN).expect("a client");
    assert!(client.set("k", b"v").expect("a set"));
    assert_eq!(client.get("auth").expect("a get"), None);
}

fn wrong_credentials<S: Surface>() {
    let server = guarded();
    for (username, password) in [("ann", "wrong"), ("bob", "se cret")] {
        let options = [
            ("username", username),
            ("password", password),
            ("auth", "ascii"),
        ];
        let client: S = connect(&server, &options).expect("a client");
        for error in [
            client.get("k").expect_err("a stranger"),
            client.set("k", b"v").expect_err("a stranger"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Auth, "{error:?}");
            assert_eq!(error.endpoint(), Some(server.endpoint()), "{error:?}");
            assert_eq!(error.was_sent(), Some(Sent::NotSent), "{error:?}");
            assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
        }
    }
    // Without credentials the server says what it wants.
    let client: S = connect(&server, &[]).expect("a client");
    let error = client.get("k").expect_err("a stranger");
    assert_eq!(error.kind(), ErrorKind::Auth, "{error:?}");
}

fn identity(name: &str) -> Identity {
    let (chain, key) = (format!("{name}.pem"), format!("{name}.key"));
    Identity::from_files(file(&chain), file(&key)).expect("an identity")
}

fn sealed(name: &str) -> EmbeddedServer {
    let tls = ServerTls::new(identity(name));
    EmbeddedServer::builder()
        .tls(tls)
        .start()
        .expect("a server")
}

fn encrypted<S: Surface>() {
    let server = sealed("server");
    let ca = path("ca.pem");
    for protocol in ["auto", "meta", "text"] {
        let options = [("tls_ca", &*ca), ("protocol", protocol)];
        let client: S = connect(&server, &options).expect("a client");
        assert!(client.set("k", b"v").expect("a set"));
        for _ in 0..20 {
            assert_eq!(client.get("k").expect("a get").as_deref(), Some(&b"v"[..]));
        }
        // One connection serves them all: what TLS says by itself, such as
        // tickets, is no sign of a stale one.
        server.disconnect_all().expect("a running server");
        assert_eq!(client.get("k").expect("a get").as_deref(), Some(&b"v"[..]));
    }
}

fn large_values<S: Surface>() {
    let server = sealed("server");
    let ca = path("ca.pem");
    let client: S = connect(&server, &[("tls_ca", &ca)]).expect("a client");
    let value: Vec<u8> = (0..900_000_u32).map(|n| (n % 251) as u8).collect();
    assert!(client.set("large", &value).expect("a set"));
    assert!(client.get("large").expect("a get") == Some(value.clone()));
    let items: Vec<_> = (0..2000)
        .map(|n| (format!("k{n}"), vec![n as u8; 1000]))
        .collect();
    assert_eq!(client.set_multi(&items).expect("a batch"), [0; 0]);
    let keys: Vec<_> = items.into_iter().map(|(key, _)| key).collect();
    assert_eq!(client.get_multi(&keys).expect("a batch"), keys.len());
    // Several links at once are written and read in turns.
    let all: Vec<_> = (0..40).map(|n| (format!("l{n}"), value.clone())).collect();
    assert_eq!(client.set_multi(&all).expect("a batch"), [0; 0]);
}

fn certificates<S: Surface>() {
    let (ca, other) = (path("ca.pem"), path("other-ca.pem"));
    let refused = |server: &EmbeddedServer, options: &[(&str, &str)]| {
        let client: S = connect(server, options).expect("a client");
        let error = client.set("k", b"v").expect_err("a bad certificate");
        assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
        assert_eq!(error.endpoint(), Some(server.endpoint()), "{error:?}");
        assert_eq!(error.was_sent(), Some(Sent::NotSent), "{error:?}");
        error
    };
    let good = sealed("server");
    refused(&good, &[("tls_ca", &other)]);
    refused(
        &good,
        &[("tls_ca", &ca), ("tls_server_name", "cache.example")],
    );
    let misnamed = sealed("wrong-name");
    refused(&misnamed, &[("tls_ca", &ca)]);
    let expired = sealed("expired");
    let error = refused(
        &expired,
        &[("tls_ca", &ca), ("tls_server_name", "localhost")],
    );
    assert!(error.message().contains("expired"), "{error}");
    for (server, options) in [
        (
            &misnamed,
            &[("tls_ca", &*ca), ("tls_server_name", "cache.invalid")][..],
        ),
        (&expired, &[("tls", "yes"), ("tls_verify", "no")]),
    ] {
        let client: S = connect(server, options).expect("a client");
        assert!(client.set("k", b"v").expect("a set"));
    }
    let absent = [("tls_ca", "no such file")];
    let error = connect::<S>(&good, &absent).err().expect("no file");
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
}

fn client_certificates<S: Surface>() {
    let ca = std::fs::read(file("ca.pem")).expect("an authority");
    let tls = ServerTls::new(identity("server"))
        .client_ca_pem(&ca, ClientCertificate::Required)
        .expect("an authority");
    let server = EmbeddedServer::builder()
        .tls(tls)
        .start()
        .expect("a server");
    let (ca, cert, key) = (path("ca.pem"), path("client.pem"), path("client.key"));
    let known = [("tls_ca", &*ca), ("tls_cert", &cert), ("tls_key", &key)];
    let client: S = connect(&server, &known).expect("a client");
    assert!(client.set("k", b"v").expect("a set"));
    let unknown: S = connect(&server, &known[..1]).expect("a client");
    let error = unknown.get("k").expect_err("no certificate");
    assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
    assert_eq!(error.endpoint(), Some(server.endpoint()), "{error:?}");
}

/// A plain server and one that never answers the handshake.
fn not_tls<S: Surface>() {
    let plain = EmbeddedServer::start().expect("a server");
    let insecure = [("tls", "yes"), ("tls_verify", "no"), ("timeout", "0.3")];
    let client: S = connect(&plain, &insecure).expect("a client");
    let error = client.get("k").expect_err("no TLS there");
    assert!(
        [ErrorKind::Tls, ErrorKind::Timeout].contains(&error.kind()),
        "{error:?}"
    );
    assert_eq!(error.was_sent(), Some(Sent::NotSent), "{error:?}");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = listener.local_addr().expect("an address").to_string();
    let mut builder = Builder::default().server(&endpoint).expect("a server");
    for (name, value) in insecure {
        let option = builder.option(name, &Setting::Text(value));
        builder = option.expect("an option");
    }
    let client = S::new(builder).expect("a client");
    let error = client.get("k").expect_err("silence");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    let phases = [Some(Phase::Tls), Some(Phase::Connect)];
    assert!(phases.contains(&error.phase()), "{error:?}");
    assert_eq!(error.endpoint(), Some(&*endpoint), "{error:?}");
}

fn both<S: Surface>() {
    let server = EmbeddedServer::builder()
        .tls(ServerTls::new(identity("server")))
        .auth([Credential::new("ann", "se cret")])
        .start()
        .expect("a server");
    let url = format!(
        "memcaches://ann:se%20cret@{}/app:?auth=ascii&tls_ca={}&plaintext_auth=refuse&timeout=10",
        server.endpoint(),
        path("ca.pem")
    );
    let builder = Builder::default().url(&url).expect("a URL");
    let client = S::new(builder).expect("a client");
    assert!(client.set("k", b"v").expect("a set"));
    assert_eq!(client.get("k").expect("a get").as_deref(), Some(&b"v"[..]));
}
