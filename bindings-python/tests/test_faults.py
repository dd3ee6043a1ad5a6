"""A server that misbehaves on command, seen through the clients."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import memoxide
import pytest
from memoxide import AsyncClient, Client, EmbeddedServer, FaultStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from memoxide.faults import FaultRules

PRESETS = ["dead", "drip", "flaky", "liar", "restarting", "slow"]


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as server:
        yield server


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[Client]:
    options: dict[str, Any] = {"timeout": 10, "connect_timeout": 10}
    with Client([server.endpoint], protocol="meta", **options) as client:
        client.set("a", "one")
        client.set("b", "two")
        yield client


def outcomes(client: Client, calls: int) -> dict[str, int]:
    """Returns how often what came of reading `a`."""
    found: dict[str, int] = {}
    for _ in range(calls):
        try:
            value = client.get("a")
        except memoxide.MemoxideError as error:
            outcome = error.kind
        else:
            # Lies are caught: it is the value, or a miss where all was lost.
            assert value in ("one", None)
            outcome = str(value)
        found[outcome] = found.get(outcome, 0) + 1
    return found


def test_slow_takes_its_time(server: EmbeddedServer, client: Client) -> None:
    with server.fault("slow") as fault:
        begin = time.monotonic()
        assert client.get("a") == "one"
        assert time.monotonic() - begin >= 0.05
        assert fault.hits == 1
    assert server.faults() == []


def test_flaky_fails_now_and_then(server: EmbeddedServer, client: Client) -> None:
    with server.fault("flaky") as fault:
        found = outcomes(client, 200)
        assert len(fault.ids) == 4
    assert found["one"] > 100
    assert found["Server"] > 0
    assert found["UnknownCommand"] > 0
    assert fault.hits > 10


def test_drip_arrives_in_the_end(server: EmbeddedServer, client: Client) -> None:
    with server.fault("drip") as fault:
        begin = time.monotonic()
        assert client.get("a") == "one"
        # "VA 3 ...", line ends and the value: more than ten bytes.
        assert time.monotonic() - begin >= 0.1
    assert fault.hits == 1


def test_a_liar_is_not_believed(server: EmbeddedServer, client: Client) -> None:
    # Where a length was too large, more is waited for.
    options: dict[str, Any] = {"timeout": 0.3, "dead_after": 1_000_000}
    with (
        server.fault("liar") as fault,
        Client([server.endpoint], protocol="meta", **options) as another,
    ):
        found = outcomes(another, 100)
    assert fault.hits > 10
    assert found["one"] > 50
    assert set(found) <= {"one", "ConnectionLost", "Protocol", "Timeout"}
    assert client.get("a") == "one"


def test_dead_lets_nobody_in(server: EmbeddedServer, client: Client) -> None:
    with server.fault("dead"):
        with pytest.raises(memoxide.TimeoutError):
            client.get("a", timeout=0.1)
        with (
            Client([server.endpoint], timeout=1) as stranger,
            pytest.raises(memoxide.ConnectError),
        ):
            stranger.get("a")
    with Client([server.endpoint]) as stranger:
        assert stranger.get("a") == "one"


def test_restarting_forgets(server: EmbeddedServer, client: Client) -> None:
    client.set("a", "one")
    options: dict[str, Any] = {"dead_after": 1_000_000, "timeout": 5}
    with (
        server.fault("restarting") as fault,
        Client([server.endpoint], **options) as another,
    ):
        found = outcomes(another, 98)
        assert found == {"one": 98}
        deadline = time.monotonic() + 10
        while "None" not in found:
            assert time.monotonic() < deadline
            found = outcomes(another, 1)
    assert fault.hits == 1


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_rules_with_a_name(server: EmbeddedServer, preset: str) -> None:
    ids = server.add_faults(preset)
    faults = server.faults()
    assert [fault.id for fault in faults] == ids
    assert {fault.rule["name"] for fault in faults} == {preset}
    server.clear_faults()
    assert server.faults() == []


def test_a_lost_reply_leaves_the_outcome_unknown(
    server: EmbeddedServer, client: Client
) -> None:
    id_ = server.add_fault(action="reset", when="after", command="ms", times=1)
    with pytest.raises(memoxide.ConnectionLostError) as caught:
        client.set("a", "changed")
    assert caught.value.is_ambiguous
    assert client.get("a") == "changed"
    assert server.fault_hits(id_) == 1


def test_an_error_for_some_keys(server: EmbeddedServer, client: Client) -> None:
    rule = {"action": "error", "kind": "out_of_memory", "key": "session:*"}
    with server.fault(rule) as fault:
        assert client.set("user:1", 1)
        with pytest.raises(memoxide.ServerError, match="out of memory"):
            client.set("session:1", 1)
    assert fault.hits == 1


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"action": "wrong_key", "command": "get"}, memoxide.ProtocolError),
        ({"action": "wrong_opaque", "command": "mg"}, memoxide.ProtocolError),
        # Without an end of line it may yet become something.
        ({"action": "garbage"}, (memoxide.ProtocolError, memoxide.TimeoutError)),
        ({"action": "truncate", "bytes": 4}, memoxide.ConnectionLostError),
        ({"action": "close"}, memoxide.ConnectionLostError),
        ({"action": "hang"}, memoxide.TimeoutError),
        ({"action": "auth_failure"}, memoxide.MemoxideError),
    ],
    ids=lambda it: it["action"] if isinstance(it, dict) else "",
)
def test_both_clients_notice(
    server: EmbeddedServer, rule: dict[str, Any], error: Any
) -> None:
    options: dict[str, Any] = {
        "servers": [server.endpoint],
        "timeout": 10,
        "retry_attempts": 0,
        "protocol": "text" if rule.get("command") == "get" else "meta",
    }
    # Nothing else ends a call there.
    timeout = 0.5 if rule["action"] in ("garbage", "hang") else None
    server.add_faults({"command": ["get", "mg"], **rule})
    with Client(**options) as client:
        client.set("a", "one")
        with pytest.raises(error):
            client.get("a", timeout=timeout)

    async def main() -> None:
        async with AsyncClient(**options) as client:
            with pytest.raises(error):
                await client.get("a", timeout=timeout)

    asyncio.run(main())
    assert sum(fault.hits for fault in server.faults()) == 2


def test_values_arrive_in_pieces_of_any_size(
    server: EmbeddedServer, client: Client
) -> None:
    value = bytes(range(256)) * 64
    client.set("a", value)
    for rule in (
        {"action": "slice", "average": 100, "variation": 50},
        {"action": "bandwidth", "bytes_per_second": 1_000_000},
        {"action": "delay", "seconds": 0.01, "jitter": 0.01},
    ):
        with server.fault(rule) as fault:
            assert client.get("a") == value
        assert fault.hits == 1
    with server.fault(action="split") as fault:
        assert client.get("b") == "two"
    assert fault.hits == 1


def test_items_go_and_time_jumps(server: EmbeddedServer, client: Client) -> None:
    with server.fault(action="evict", key="a", times=1):
        assert client.get("a") is None
    assert client.get("b") == "two"
    client.set("b", "two", time=60)
    with server.fault(action="clock_jump", seconds=60, times=1):
        assert client.get("b") is None
    client.set("a", "one")
    with server.fault(action="flush", times=1):
        assert client.get("a") is None


def test_rules_have_many_forms(server: EmbeddedServer) -> None:
    rule = {"action": "delay", "seconds": 0.5, "command": ("get", "mg"), "times": 2}
    forms: list[FaultRules] = [
        rule,
        [rule],
        json.dumps(rule),
        json.dumps([rule, "slow"]),
        [rule, "slow"],
        "slow",
        '"slow"',
        {"type": "latency", "attributes": {"latency": 100}},
    ]
    for form in forms:
        for id_ in server.add_faults(form):
            assert server.remove_fault(id_)
            assert not server.remove_fault(id_)
            assert server.fault_hits(id_) is None
    id_ = server.add_fault(rule)
    assert server.add_fault(action="flush") == id_ + 1
    [status, _] = server.faults()
    assert status == FaultStatus(
        id_,
        {
            "action": "delay",
            "seconds": 0.5,
            "jitter": 0.0,
            "when": "before",
            "command": ["get", "mg"],
            "times": 2,
        },
        0,
    )


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("sloow", 'no fault preset is called "sloow"'),
        ({"action": "bark"}, "unknown variant"),
        ({"action": "close", "comand": "get"}, 'close has no field "comand"'),
        ({"probability": 1}, "needs an action"),
        ({"action": "close", "probability": 2}, "not between 0 and 1"),
        ({"action": "close", "probability": float("nan")}, "no form in JSON"),
        ({"action": "close", "key": b"bytes"}, "no form in JSON"),
        (1, "a fault rule is"),
        ([{"action": "close"}, "sloow"], "no fault preset"),
    ],
    ids=repr,
)
def test_rules_that_cannot_be(server: EmbeddedServer, rules: Any, message: str) -> None:
    with pytest.raises(memoxide.ConfigError, match=message):
        server.add_faults(rules)
    assert server.faults() == []
    with pytest.raises(memoxide.ConfigError, match=message):
        EmbeddedServer(faults=rules)


def test_one_rule_is_no_preset(server: EmbeddedServer) -> None:
    with pytest.raises(memoxide.ConfigError, match="presets are for add_faults"):
        server.add_fault("slow")  # type: ignore[arg-type]
    with pytest.raises(memoxide.ConfigError, match="not both"):
        server.fault("slow", seconds=1)
    with pytest.raises(memoxide.ConfigError, match="needs an action"):
        server.add_fault()
    assert server.faults() == []


def test_a_stopped_server_takes_no_rules() -> None:
    server = EmbeddedServer()
    fault = server.fault("slow")
    server.stop()
    for call in (server.clear_faults, server.log_requests):
        with pytest.raises(memoxide.ClosedError, match="has stopped"):
            call()
    with pytest.raises(memoxide.ClosedError, match="has stopped"):
        server.add_faults("slow")
    assert server.faults() == []
    assert server.logged_requests() == []
    server.clear_log()
    fault.remove()
    assert fault.hits == 0


def test_rules_and_log_from_the_start() -> None:
    with (
        EmbeddedServer(faults="dead", request_log=10) as server,
        Client([server.endpoint], timeout=1) as client,
    ):
        with pytest.raises(memoxide.ConnectError):
            client.get("a")
        server.clear_faults()
        # The client thinks that the server is down for a while yet.
    with (
        EmbeddedServer(request_log=10) as server,
        Client([server.endpoint]) as client,
    ):
        client.set("a", 1)
        assert server.logged_requests()[-1].key == "a"


def test_requests_are_logged(server: EmbeddedServer, client: Client) -> None:
    assert server.logged_requests() == []
    server.log_requests(3)
    before = server.requests
    with server.fault(action="delay", seconds=0, command="ms") as fault:
        client.set("a", b"x" * 100)
    client.get("a")
    logged = server.logged_requests()
    assert [request.command for request in logged] == ["ms", "mg"]
    stored, read = logged
    assert (stored.key, stored.faults) == ("a", fault.ids)
    assert stored.head.startswith(b"ms a 100")
    assert stored.length == len(stored.head) + 2 + 102
    assert (read.connection, read.faults) == (stored.connection, ())
    assert read.request == stored.request + 1
    assert read.reply_length > 100
    assert server.requests == before + 2
    for number in range(5):
        client.get(f"k{number}")
    assert [request.key for request in server.logged_requests()] == ["k2", "k3", "k4"]
    server.clear_log()
    assert server.logged_requests() == []
    client.get("a")
    assert len(server.logged_requests()) == 1
    server.log_requests(0)
    assert server.logged_requests() == []


def test_any_client_may_change_rules_where_it_is_allowed() -> None:
    with EmbeddedServer(fault_control=True) as server:
        with socket.create_connection(server.address, timeout=5) as connection:
            connection.sendall(b'fault add {"action": "flush"}\r\n')
            assert connection.recv(100) == b"ADDED 1\r\n"
        assert [fault.rule for fault in server.faults()] == [{"action": "flush"}]


def test_what_the_server_holds_is_told(server: EmbeddedServer, client: Client) -> None:
    assert server.items == 2
    assert server.footprint > 0
    assert server.statistics()["curr_items"] == "2"
    assert server.statistics("settings")["evictions"] == "on"
    assert server.statistics("nothing") == {}
    assert server.evict(1) == 1
    assert server.items == 1
    server.flush_all()
    assert client.get_multi(["a", "b"]) == {}
    client.set("a", "one")
    server.clear()
    assert server.items == 0


def test_time_can_be_stopped(server: EmbeddedServer, client: Client) -> None:
    server.pause_time()
    begin = server.time
    client.set("a", "one", time=5)
    server.advance(4)
    assert client.get("a") == "one"
    server.advance(1)
    assert client.get("a") is None
    assert server.time == begin + 5
    server.resume_time()


def test_settings_reach_the_server(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with EmbeddedServer(
        unix_socket=path,
        listen=["127.0.0.1:0", "[::1]:0"],
        evictions=False,
        cas=False,
        flush_enabled=False,
        dump_enabled=False,
        watch_enabled=False,
        version="1.6.18",
    ) as server:
        assert len(server.endpoints) == 3
        for endpoint in server.endpoints:
            name = endpoint if ":" in endpoint else f"unix:{endpoint}"
            with Client([name]) as client:
                assert client.version() == [(name, "1.6.18")]
        settings = server.statistics("settings")
        assert settings["evictions"] == "off"
        assert settings["cas_enabled"] == "no"
        assert settings["flush_enabled"] == "no"
        with (
            Client([server.endpoints[0]]) as client,
            pytest.raises(memoxide.MemoxideError),
        ):
            client.keys()


def test_users_are_replaced() -> None:
    with EmbeddedServer(auth={"ada": "old"}) as server:
        server.replace_users({"ada": "new"})
        options: dict[str, Any] = {"servers": [server.endpoint], "auth": "ascii"}
        with Client(username="ada", password="new", **options) as client:  # noqa: S106
            assert client.set("a", 1)
        with (
            Client(username="ada", password="old", **options) as client,  # noqa: S106
            pytest.raises(memoxide.AuthError),
        ):
            client.get("a")


@pytest.mark.parametrize(
    "options",
    [
        {"protocol": "morse"},
        {"listen": ["localhost:1"]},
        {"listen_plain": ["127.0.0.1"]},
    ],
    ids=repr,
)
def test_settings_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(memoxide.ConfigError):
        EmbeddedServer(**options)


def belongs_to_another(call: Callable[[], object]) -> bool:
    try:
        call()
    except memoxide.ClosedError as error:
        return "process that started it" in str(error)
    return False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_rules_stay_with_the_parent(server: EmbeddedServer, client: Client) -> None:
    server.log_requests(10)
    fault = server.fault(action="error", kind="busy", command="mg")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            inert = server.faults() == [] and server.logged_requests() == []
            inert = inert and all(
                belongs_to_another(call)
                for call in (server.clear_faults, server.clear, server.restart)
            )
            server.clear_log()
            fault.remove()
            server.stop()
            del server, fault
            gc.collect()
            status = 0 if inert else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with pytest.raises(memoxide.ServerError):
        client.get("a")
    assert fault.hits == 1
    assert [request.command for request in server.logged_requests()] == ["mg"]
