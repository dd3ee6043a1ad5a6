"""Credentials and TLS, through both clients."""

from __future__ import annotations

import pathlib
import socket
from typing import TYPE_CHECKING, Any

import memoxide
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    OpenClient = Callable[..., Any]

TLS = pathlib.Path(__file__).parents[2] / "tests" / "vectors" / "tls"
ANN: Any = {"username": "ann", "password": "se cret", "auth": "ascii"}
# A handshake takes its time on a busy machine.
PATIENT: Any = {"timeout": 10, "connect_timeout": 10}


def sealed(name: str = "server", **options: Any) -> memoxide.EmbeddedServer:
    return memoxide.EmbeddedServer(
        tls_cert=TLS / f"{name}.pem", tls_key=TLS / f"{name}.key", **options
    )


@pytest.mark.parametrize("protocol", ["auto", "meta", "text"])
def test_credentials(open_client: OpenClient, protocol: str) -> None:
    options: Any = {**ANN, **PATIENT, "protocol": protocol}
    with (
        memoxide.EmbeddedServer(auth={"ann": "se cret"}) as server,
        open_client([server.endpoint], **options) as client,
    ):
        assert client.get("absent") is None
        client.set("key", "value")
        server.disconnect_all()
        assert client.get("key") == "value"
        assert "se cret" not in client.configuration


def test_wrong_credentials(open_client: OpenClient) -> None:
    with memoxide.EmbeddedServer(auth={"ann": "se cret"}) as server:
        for wrong in ({"password": "wrong"}, {"username": "bob"}):
            options: Any = {**ANN, **wrong, **PATIENT}
            with open_client([server.endpoint], **options) as client:
                for call in (client.get, client.incr):
                    with pytest.raises(memoxide.AuthError) as error:
                        call("key")
                    assert error.value.endpoint == server.endpoint
                    assert error.value.sent == "not_sent"
                    assert "wrong" not in str(error.value)
        with (
            open_client([server.endpoint], **PATIENT) as client,
            pytest.raises(memoxide.AuthError),
        ):
            client.get("key")


@pytest.mark.parametrize("hashing", ["ketama", lambda _key, _servers: 0])
def test_encryption(open_client: OpenClient, hashing: Any) -> None:
    options: Any = {"tls_ca": TLS / "ca.pem", "hashing": hashing, **PATIENT}
    with sealed() as server, open_client([server.endpoint], **options) as client:
        value = bytes(range(256)) * 3500
        client.set("large", value)
        assert client.get("large") == value
        items = {f"key{number}": "x" * 1000 for number in range(2000)}
        assert client.set_multi(items) == []
        assert client.get_multi(items) == items
        assert server.connections == 1
        server.disconnect_all()
        assert client.get("key1") == items["key1"]


@pytest.mark.parametrize(
    ("certificate", "options"),
    [
        ("server", {"tls_ca": TLS / "other-ca.pem"}),
        ("server", {"tls_ca": TLS / "ca.pem", "tls_server_name": "cache.example"}),
        ("wrong-name", {"tls_ca": TLS / "ca.pem"}),
        ("expired", {"tls_ca": TLS / "ca.pem", "tls_server_name": "localhost"}),
        ("server", {"tls": True}),
    ],
)
def test_a_certificate_that_is_refused(
    certificate: str, options: Any, open_client: OpenClient
) -> None:
    with (
        sealed(certificate) as server,
        open_client([server.endpoint], **options, **PATIENT) as client,
    ):
        with pytest.raises(memoxide.TlsError) as error:
            client.set("key", 1)
        assert error.value.endpoint == server.endpoint
        assert error.value.sent == "not_sent"
        assert certificate != "expired" or "expired" in str(error.value)


@pytest.mark.parametrize(
    ("certificate", "options"),
    [
        ("wrong-name", {"tls_ca": TLS / "ca.pem", "tls_server_name": "cache.invalid"}),
        ("expired", {"tls": True, "tls_verify": False}),
    ],
)
def test_a_certificate_that_is_taken(
    certificate: str, options: Any, open_client: OpenClient
) -> None:
    with (
        sealed(certificate) as server,
        open_client([server.endpoint], **options, **PATIENT) as client,
    ):
        assert client.set("key", 1)


def test_a_certificate_of_the_client(open_client: OpenClient) -> None:
    known: Any = {
        "tls_ca": TLS / "ca.pem",
        "tls_cert": TLS / "client.pem",
        "tls_key": str(TLS / "client.key"),
    }
    with sealed(tls_client_ca=TLS / "ca.pem") as server:
        with open_client([server.endpoint], **known, **PATIENT) as client:
            assert client.set("key", 1)
        with open_client([server.endpoint], tls_ca=TLS / "ca.pem", **PATIENT) as client:
            with pytest.raises(memoxide.TlsError) as error:
                client.get("key")
            assert error.value.endpoint == server.endpoint


def test_a_server_without_tls(open_client: OpenClient) -> None:
    options: Any = {"tls": True, "tls_verify": False, "timeout": 0.3}
    with (
        memoxide.EmbeddedServer() as server,
        open_client([server.endpoint], **options) as client,
    ):
        with pytest.raises((memoxide.TlsError, memoxide.TimeoutError)) as error:
            client.get("key")
        assert error.value.sent == "not_sent"
        assert error.value.endpoint == server.endpoint


def test_a_server_that_does_not_answer_the_handshake(open_client: OpenClient) -> None:
    options: Any = {"tls": True, "tls_verify": False, "timeout": 0.3}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"127.0.0.1:{listener.getsockname()[1]}"
        with open_client([endpoint], **options) as client:
            with pytest.raises(memoxide.TimeoutError) as error:
                client.get("key")
            assert error.value.phase in ("tls", "connect")
            assert error.value.endpoint == endpoint


def test_both_in_a_url(open_client: OpenClient) -> None:
    with sealed(auth={"ann": "se cret"}) as server:
        url = (
            f"memcaches://ann:se%20cret@{server.endpoint}/app:?auth=ascii"
            f"&tls_ca={TLS / 'ca.pem'}&plaintext_auth=refuse&timeout=10"
        )
        with open_client(url) as client:
            client.set("key", "value")
            assert client.get("key") == "value"


@pytest.mark.parametrize("kind", [memoxide.Client, memoxide.AsyncClient])
def test_files_are_read_when_the_client_is_made(kind: Any) -> None:
    for name in ("tls_ca", "tls_cert"):
        with pytest.raises(memoxide.ConfigError):
            kind("a", **{name: "no such file"})
    with pytest.raises(memoxide.ConfigError):
        kind("a", tls_ca=TLS / "ca.pem", tls_cert=TLS / "client.pem")
    with pytest.raises(memoxide.ConfigError):
        kind("far.example", **ANN, plaintext_auth="refuse")
