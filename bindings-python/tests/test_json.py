"""Trees of objects as JSON text and back, against Python's own json."""

from __future__ import annotations

import enum
import json
import math
import re
from collections import OrderedDict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from memoxide import DecodeError, EncodeError
from memoxide._native import Codec

JSON = 0x10010
SAFE = 2**53 - 1
DEPTH = 100

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=40
)


# What the profile refuses and Python's json reads.
STRICTER = re.compile(r"surrogate|beyond the range of a double|beyond 2\^53")

codec = Codec()
# PHP's clients write what Python can read and JavaScript cannot.
php = Codec(values="php")
PHP_JSON = 6


def write_json(value: object) -> str:
    flags, data = codec.encode(value)
    assert flags == JSON
    return data.decode()


def read_json(written: str) -> Any:
    return codec.decode(JSON, written.encode())


def same(left: object, right: object) -> bool:
    """Equal in type too, the sign of zero included."""
    return repr(left) == repr(right)


@given(trees)
@example({"": [{}, [], -0.0, 1.0, 1e16, 5e-324, '\x00\x1f"\\/\x7f\u2028😀']})
def test_trees_come_back_as_they_were(tree: Any) -> None:
    written = write_json([tree])
    assert same(read_json(written), [tree])
    assert same(json.loads(written), [tree])


@given(trees, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_what_others_write_is_read(tree: Any, ascii_only: bool, indent: Any) -> None:
    written = json.dumps(tree, ensure_ascii=ascii_only, indent=indent)
    assert same(read_json(written), tree)


def refused_constant(name: str) -> None:
    raise ValueError(name)


@given(
    st.text(st.sampled_from('[]{}:,"\\ue+-.0123456789 \ntrufalsn\x00é😀'), max_size=30)
    | st.builds(
        lambda tree, at, gone, put: (
            (written := json.dumps(tree))[: at % len(written)]
            + put
            + written[at % len(written) + gone :]
        ),
        trees,
        st.integers(0, 200),
        st.integers(0, 2),
        st.sampled_from(["", '"', "\\", "{", "]", ",", "0", "e", "\ud83d\ude00"]),
    ).filter(str.isprintable)
)
@example('"\\ud83d\\ude00"')
@example("01")
@example("[1,]")
@example('{"a":1,}')
@example('"\\u12"')
@example('"\\u+123"')
@example("1.")
@example(".5")
@example("-")
@example("+1")
@example("1e")
@example("tru")
@example('"a')
@example("[1")
@example('{"a"')
@example("{1:2}")
@example("1 2")
@example("")
@example("\ufeff1")
def test_exactly_what_json_allows_is_read(written: str) -> None:
    try:
        expected = json.loads(written, parse_constant=refused_constant)
    except ValueError:
        with pytest.raises(DecodeError):
            read_json(written)
        return
    try:
        found = read_json(written)
    except DecodeError as error:
        assert STRICTER.search(str(error)), error  # noqa: PT017
        return
    assert same(found, expected)


def test_the_place_of_a_mistake_is_told_and_the_value_attached() -> None:
    with pytest.raises(DecodeError, match="at byte 4") as caught:
        read_json("[1, x]")
    assert caught.value.raw == (JSON, b"[1, x]")


@pytest.mark.parametrize("written", ["1e999", "-1e999", "[1e400]"])
def test_numbers_beyond_float_are_refused(written: str) -> None:
    with pytest.raises(DecodeError, match="beyond the range of a double"):
        read_json(written)
    with pytest.raises(DecodeError, match="beyond the range of float") as caught:
        php.decode(PHP_JSON, written.encode())
    assert caught.value.raw == (PHP_JSON, written.encode())


@pytest.mark.parametrize(
    "written",
    ['"\\ud83d"', '"\\ude00"', '"\\ud83d\\ud83d"', '"\\ud83dx"', '"\\ud83d\\n"'],
)
def test_lone_surrogates_are_refused_when_read(written: str) -> None:
    with pytest.raises(DecodeError, match="half of a surrogate pair"):
        read_json(written)
    with pytest.raises(DecodeError, match="lone surrogate"):
        php.decode(PHP_JSON, f"[{written}]".encode())


def test_large_integers_of_other_clients_are_read_exactly() -> None:
    written = "[9007199254740993, -123456789012345678901234567890]"
    assert php.decode(PHP_JSON, written.encode()) == [
        9007199254740993,
        -123456789012345678901234567890,
    ]
    with pytest.raises(DecodeError, match=r"beyond 2\^53 - 1"):
        read_json(written)


@pytest.mark.parametrize("number", [SAFE + 1, -SAFE - 1, 2**63, -(2**63) - 1, 10**30])
def test_integers_that_javascript_cannot_hold_are_refused(number: int) -> None:
    with pytest.raises(EncodeError, match=r"2\^53 - 1"):
        write_json([number])


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_without_json_are_refused(number: float) -> None:
    with pytest.raises(EncodeError, match="no NaN and no infinity"):
        write_json({"n": number})


class Shade(enum.IntEnum):
    RED = 1


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ((1, 2), "tuple"),
        ({1}, "set"),
        (b"bytes", "bytes"),
        (bytearray(b"bytes"), "bytearray"),
        (Decimal(1), "Decimal"),
        (OrderedDict(), "OrderedDict"),
        (Shade.RED, "Shade"),
        (Text("x"), "Text"),
        (object(), "object"),
    ],
)
def test_other_types_are_refused_by_name(value: object, named: str) -> None:
    with pytest.raises(
        EncodeError, match=f"values of type {named} cannot be stored as JSON"
    ):
        write_json([{"a": value}])


@pytest.mark.parametrize("key", [1, None, True, 1.5, b"a", ("a",), Text("a")])
def test_keys_are_text(key: object) -> None:
    with pytest.raises(EncodeError, match="cannot be a key"):
        write_json({key: 1})


@pytest.mark.parametrize("value", ["\ud83d", ["a\udcff"], {"\ud800": 1}])
def test_lone_surrogates_are_refused_when_written(value: object) -> None:
    with pytest.raises(EncodeError, match="lone surrogate"):
        write_json(value)


def nested(depth: int) -> Any:
    tree: Any = 1
    for level in range(depth):
        tree = [tree] if level % 2 else {"a": tree}
    return tree


def test_the_depth_is_limited_in_both_directions() -> None:
    deepest = nested(DEPTH)
    assert read_json(write_json(deepest)) == deepest
    with pytest.raises(EncodeError, match="nested deeper than 100"):
        write_json(nested(DEPTH + 1))
    with pytest.raises(DecodeError, match="nested too deeply"):
        read_json(json.dumps(nested(DEPTH + 1)))


def test_a_list_inside_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EncodeError, match="nested deeper"):
        write_json(endless)


def test_of_repeated_keys_the_last_counts() -> None:
    assert read_json('{"a": 1, "b": 2, "a": 3}') == {"a": 3, "b": 2}


def test_keys_that_share_a_place_in_the_memo_stay_apart() -> None:
    keys = [f"a{middle}b" for middle in "0123456789"] * 2
    written = "[" + ",".join(f'{{"{key}":"{key}"}}' for key in keys) + "]"
    assert read_json(written) == [{key: key} for key in keys]
