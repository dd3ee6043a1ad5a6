"""The error classes against the list that the three languages share."""

from __future__ import annotations

import builtins
import copy
import json
import pickle
from pathlib import Path
from typing import Any, get_args

import memoxide
import pytest
from memoxide import errors

LIST = json.loads(
    Path(__file__).parents[2].joinpath("tests", "errors.json").read_text("utf-8")
)
KINDS = LIST["kinds"]
WAY = {
    "Connect",
    "ConnectionLost",
    "NoServers",
    "Protocol",
    "Resolve",
    "Timeout",
    "Tls",
}


def class_of(kind: str) -> type[memoxide.MemoxideError]:
    (row,) = (row for row in KINDS if row["kind"] == kind)
    found: type[memoxide.MemoxideError] = getattr(errors, row["python"]["class"])
    assert issubclass(found, memoxide.MemoxideError)
    return found


@pytest.mark.parametrize("row", KINDS, ids=lambda row: row["kind"])
def test_every_kind_has_its_class(row: dict[str, Any]) -> None:
    found = class_of(row["kind"])
    assert found.kind == row["kind"]
    assert found.__mro__[1] is memoxide.MemoxideError
    assert issubclass(found, getattr(builtins, row["python"]["base"]))
    assert found.__doc__


def test_no_class_is_missing_from_the_list() -> None:
    listed = {row["python"]["class"] for row in KINDS} | {"MemoxideError"}
    assert set(errors.__all__) == listed


def test_every_class_is_exported_by_the_package() -> None:
    assert set(errors.__all__) <= set(memoxide.__all__)
    for name in errors.__all__:
        assert getattr(memoxide, name) is getattr(errors, name)


def test_phases_and_outcomes_are_those_of_the_list() -> None:
    assert list(get_args(errors.Phase)) == LIST["phases"]
    assert list(get_args(errors.Sent)) == LIST["sent"]


@pytest.mark.parametrize("row", KINDS, ids=lambda row: row["kind"])
def test_predicates_follow_the_kind(row: dict[str, Any]) -> None:
    error = class_of(row["kind"])("message")
    assert error.is_connection == (row["kind"] in WAY)
    assert error.is_timeout == (row["kind"] == "Timeout")
    assert not error.is_ambiguous


def test_a_write_of_unknown_outcome_is_not_retryable() -> None:
    lost = errors.ConnectionLostError("gone", sent="maybe_applied")
    assert lost.is_ambiguous
    assert not lost.is_retryable
    assert errors.ConnectionLostError("gone", sent="not_sent").is_retryable


def test_a_part_of_unknown_outcome_makes_the_whole_ambiguous() -> None:
    parts = (
        errors.ConnectError("refused", sent="not_sent"),
        errors.TimeoutError("late", sent="maybe_applied"),
    )
    assert errors.PartialError("some servers failed", parts=parts).is_ambiguous
    assert not errors.PartialError("failed", parts=parts[:1]).is_ambiguous


def test_an_unknown_outcome_is_refused() -> None:
    error = errors.ConnectError("refused", sent="perhaps")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="perhaps"):
        _ = error.is_retryable


def test_the_text_names_the_endpoint() -> None:
    assert str(errors.ConnectError("refused", endpoint="a:1")) == "refused (a:1)"
    assert str(errors.ConnectError("refused")) == "refused"


def test_the_builtin_timeout_catches_ours() -> None:
    with pytest.raises(builtins.TimeoutError):
        raise errors.TimeoutError("late", phase="read")


@pytest.mark.parametrize("row", KINDS, ids=lambda row: row["kind"])
def test_errors_survive_pickle_and_copy(row: dict[str, Any]) -> None:
    error = class_of(row["kind"])(
        "message",
        endpoint="a:1",
        sent="not_sent",
        phase="connect",
        raw=(16, b"\xff"),
        parts=(errors.ConnectError("refused"),),
    )
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert twin.args == ("message",)
        assert str(twin) == str(error)
        assert (twin.endpoint, twin.sent, twin.phase) == ("a:1", "not_sent", "connect")
        assert twin.raw == (16, b"\xff")
        assert [str(part) for part in twin.parts] == ["refused"]
