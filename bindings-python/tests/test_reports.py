"""Reports of servers: their types are what the core reads."""

from __future__ import annotations

import typing
from typing import Any

import memoxide
import pytest
from memoxide import AsyncClient, Client, EmbeddedServer, reports

if typing.TYPE_CHECKING:
    from conftest import Run

# The items and connections of a report, as a server tells them.
SAMPLES = {
    "": ({}, reports.GeneralReport),
    "settings": ({}, reports.SettingsReport),
    "items": ({"items:1:number": "1"}, reports.ItemsReport),
    "slabs": ({"1:chunk_size": "96"}, reports.SlabsReport),
    "sizes": ({"96": "1"}, reports.SizesReport),
    "conns": ({"3:addr": "tcp:127.0.0.1:5"}, reports.ConnectionsReport),
}


def fits(value: Any, kind: Any) -> bool:
    if typing.is_typeddict(kind):
        fields = typing.get_type_hints(kind)
        return list(value) == list(fields) and all(
            fits(value[name], fields[name]) for name in fields
        )
    if typing.get_origin(kind) is dict:
        (of_key, of_value) = typing.get_args(kind)
        return all(fits(k, of_key) and fits(v, of_value) for k, v in value.items())
    if typing.get_args(kind):
        return any(fits(value, one) for one in typing.get_args(kind))
    return type(value) is kind


@pytest.mark.parametrize("name", SAMPLES)
def test_types_are_what_the_core_reads(name: str) -> None:
    texts, kind = SAMPLES[name]
    assert fits(reports.typed(name, texts), kind)


@pytest.mark.parametrize("name", SAMPLES)
def test_reports_of_servers(name: str, endpoint: str, run: Run[Any]) -> None:
    _, kind = SAMPLES[name]
    with Client([endpoint]) as client:
        client.set("key", "value")
        [(server, report)] = client.get_report(name, timeout=2, server_key="any")
        assert server == endpoint
        assert fits(report, kind)

    async def main() -> None:
        async with AsyncClient([endpoint]) as client:
            [(server, report)] = await client.get_report(name, timeout=2)
            assert server == endpoint
            assert fits(report, kind)

    run(main())


def test_classes_are_found_by_number(endpoint: str) -> None:
    with Client([endpoint]) as client:
        client.set("key", "value")
        [(_, items)] = client.get_report("items")
        [(_, slabs)] = client.get_report("slabs")
        assert [items["classes"][number]["number"] for number in items["classes"]]
        assert slabs["classes"].keys() >= items["classes"].keys()


def test_one_server_is_asked() -> None:
    with (
        EmbeddedServer() as one,
        EmbeddedServer() as two,
        Client([one.endpoint, two.endpoint]) as client,
    ):
        home = client.server_for("group")
        assert [name for name, _ in client.get_report(server_key="group")] == [home]
        assert len(client.get_report()) == 2
        with pytest.raises(memoxide.InvalidArgumentError, match="no type"):
            client.get_report("detail dump")
