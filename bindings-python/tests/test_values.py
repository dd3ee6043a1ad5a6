"""Objects as flags and bytes and back."""

from __future__ import annotations

import enum
import math
import pickle
import sys
import zlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from memoxide import ConfigError, DecodeError, EncodeError, ValueTooLargeError
from memoxide._native import Codec

plain = Codec()
text = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("value", "flags", "data"),
    [
        (b"", 0, b""),
        (b"a\r\n\x00\xff", 0, b"a\r\n\x00\xff"),
        ("", 16, b""),
        ("grün 😀", 16, "grün 😀".encode()),
        (0, 2, b"0"),
        (-42, 2, b"-42"),
        (2**63 - 1, 2, b"9223372036854775807"),
        (-(2**63), 2, b"-9223372036854775808"),
        (2**63, 2, b"9223372036854775808"),
        (10**40, 2, b"1" + b"0" * 40),
        (None, 0x10010, b"null"),
        (True, 0x10010, b"true"),
        (False, 0x10010, b"false"),
        (1.5, 0x10010, b"1.5"),
        (1.0, 0x10010, b"1.0"),
        ([], 0x10010, b"[]"),
        ({"a": [1, None, "b"]}, 0x10010, b'{"a":[1,null,"b"]}'),
    ],
)
def test_the_dialect_memoxide(value: object, flags: int, data: bytes) -> None:
    assert plain.encode(value) == (flags, data)
    found = plain.decode(flags, data)
    assert (type(found), found) == (type(value), value)


@given(st.binary() | text | st.integers())
@example(-(10**4299))
def test_plain_values_come_back_as_they_were(value: object) -> None:
    found = plain.decode(*plain.encode(value))
    assert (type(found), found) == (type(value), value)


@given(st.binary(), st.sampled_from([bytearray, memoryview]))
def test_other_buffers_are_stored_as_bytes(data: bytes, buffer: Any) -> None:
    assert plain.encode(buffer(data)) == (0, data)


def test_a_view_with_gaps_is_stored_without_them() -> None:
    assert plain.encode(memoryview(b"abcdef")[::2]) == (0, b"ace")


def test_a_released_view_raises_what_python_raises() -> None:
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(ValueError, match="released memoryview"):
        plain.encode(view)


class Shade(enum.IntEnum):
    RED = 1


class Text(str):
    __slots__ = ()


class Truth(dict[str, int]):
    pass


OBJECTS = [(1, "a"), {1, 2}, Decimal("1.5"), Shade.RED, Text("x"), Truth(a=1), 1j]


@pytest.mark.parametrize("value", OBJECTS, ids=repr)
def test_other_types_are_refused_by_name(value: object) -> None:
    name = type(value).__name__
    with pytest.raises(EncodeError, match=f"values of type {name} cannot be stored"):
        plain.encode(value)


@pytest.mark.parametrize("value", OBJECTS, ids=repr)
@pytest.mark.parametrize("dialect", ["memoxide", "python", "pylibmc"])
def test_pickles_are_written_and_read_when_asked_for(
    value: object, dialect: str
) -> None:
    codec = Codec(dialect, pickle=True)
    flags, data = codec.encode(value)
    assert flags == 1
    found = codec.decode(flags, data)
    assert (type(found), found) == (type(value), value)


def test_trees_stay_json_beside_pickles() -> None:
    assert Codec(pickle=True).encode([1, None]) == (0x10010, b"[1,null]")


def test_a_tree_with_an_object_inside_is_pickled_whole() -> None:
    codec = Codec(pickle=True)
    value = {"a": [(1, 2)], 3: {4}}
    flags, data = codec.encode(value)
    assert (flags, codec.decode(flags, data)) == (1, value)


@pytest.mark.parametrize("value", [None, True, 1.5, math.inf, [1], {"a": 1}], ids=repr)
def test_the_dialect_python_pickles_what_is_not_plain(value: object) -> None:
    assert Codec("python", pickle=True, pickle_protocol=0).encode(value) == (
        1,
        pickle.dumps(value, 0),
    )
    with pytest.raises(EncodeError, match="pickle"):
        Codec("python").encode(value)


def test_the_dialect_pylibmc_has_flags_for_bool_and_int() -> None:
    codec = Codec("pylibmc")
    assert codec.encode(True) == (2, b"1")
    assert codec.encode(7) == (4, b"7")
    assert codec.decode(2, b"0") is False


class Bomb:
    """Sets off when unpickled, so no test may get that far."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (sys.exit, ("unpickled",))


@pytest.mark.parametrize("dialect", ["memoxide", "python", "pylibmc"])
def test_nothing_is_unpickled_unless_asked_for(dialect: str) -> None:
    data = pickle.dumps(Bomb())
    with pytest.raises(DecodeError, match="pickle") as caught:
        Codec(dialect).decode(1, data)
    assert caught.value.raw == (1, data)


def test_exceptions_that_are_no_errors_pass_through_unpickling() -> None:
    with pytest.raises(SystemExit):
        Codec(pickle=True).decode(1, pickle.dumps(Bomb()))


def test_a_broken_pickle_keeps_its_cause_and_its_bytes() -> None:
    with pytest.raises(DecodeError, match="cannot be read") as caught:
        Codec(pickle=True).decode(1, b"no pickle")
    assert caught.value.raw == (1, b"no pickle")
    assert isinstance(caught.value.__cause__, pickle.UnpicklingError)


def test_what_cannot_be_pickled_is_refused_with_the_cause() -> None:
    with pytest.raises(EncodeError, match="cannot be pickled") as caught:
        Codec(pickle=True).encode(lambda: None)
    assert isinstance(caught.value.__cause__, (pickle.PicklingError, AttributeError))


def test_nan_is_refused_by_json_and_taken_by_pickle() -> None:
    with pytest.raises(EncodeError, match="NaN"):
        plain.encode(math.nan)
    codec = Codec(pickle=True)
    assert math.isnan(codec.decode(*codec.encode(math.nan)))


def test_text_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(EncodeError, match="lone surrogate"):
        plain.encode("\ud83d")


@pytest.mark.skipif(
    not hasattr(sys, "set_int_max_str_digits"), reason="this Python has no such limit"
)
def test_the_limit_of_digits_of_the_interpreter_holds() -> None:
    with pytest.raises(EncodeError, match="digits") as unwritten:
        plain.encode(10**5000)
    assert isinstance(unwritten.value.__cause__, ValueError)
    digits = b"1" * 5000
    with pytest.raises(DecodeError, match="digits") as unread:
        plain.decode(2, digits)
    assert unread.value.raw == (2, digits)


def test_a_number_padded_by_decr_is_read() -> None:
    assert plain.decode(2, b"9 ") == 9


@pytest.mark.parametrize("data", [b"", b"1_000", b"+1", b"0x1", b"1.0", b"\xd9\xa1"])
def test_only_decimal_digits_are_integers(data: bytes) -> None:
    with pytest.raises(DecodeError):
        plain.decode(2, data)


@pytest.mark.parametrize("flags", [3, 32, 0x10000, 0xFFFF0000])
def test_unknown_flags_are_an_error_with_the_bytes_attached(flags: int) -> None:
    with pytest.raises(DecodeError, match=f"{flags:#x}") as caught:
        plain.decode(flags, b"data")
    assert caught.value.raw == (flags, b"data")


def test_text_that_is_no_utf8_is_an_error() -> None:
    with pytest.raises(DecodeError) as caught:
        plain.decode(16, b"\xff")
    assert caught.value.raw == (16, b"\xff")


def test_values_over_the_limit_are_refused() -> None:
    assert plain.encode(b"a" * 2**20)[0] == 0
    with pytest.raises(ValueTooLargeError, match="1048577"):
        plain.encode(b"a" * (2**20 + 1))
    with pytest.raises(ValueTooLargeError):
        Codec(max_value_size=3).encode("four")


def test_compression_is_asked_for_by_size() -> None:
    codec = Codec(compress_above=100)
    value = "a" * 101
    flags, data = codec.encode(value)
    assert (flags, zlib.decompress(data)) == (16 + 8, value.encode())
    assert codec.encode("a" * 100)[0] == 16
    assert plain.decode(flags, data) == value


def test_a_bomb_is_not_inflated() -> None:
    packed = zlib.compress(b"a" * 10_000)
    with pytest.raises(DecodeError, match="max_decompressed_size"):
        Codec(max_decompressed_size=9_999).decode(8, packed)
    assert len(Codec(max_decompressed_size=10_000).decode(8, packed)) == 10_000


@pytest.mark.parametrize(
    "options",
    [
        {"values": "perl"},
        {"compression": "rar"},
        {"values": "python", "compression": "zstd", "compress_above": 1},
    ],
    ids=repr,
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Codec(**options)


def test_a_bytearray_is_pickled_where_objects_are() -> None:
    codec = Codec("python", pickle=True)
    flags, data = codec.encode(bytearray(b"abc"))
    assert flags == 1
    assert codec.decode(flags, data) == bytearray(b"abc")
    assert Codec("python").encode(bytearray(b"abc")) == (0, b"abc")
    assert Codec(pickle=True).encode(bytearray(b"abc")) == (0, b"abc")
