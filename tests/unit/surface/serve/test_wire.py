"""Frames: what goes in comes out, and what a stranger sends is an error and no more."""

from __future__ import annotations

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopyard.core.errors import ServeError
from loopyard.surface.serve.wire import array_of, pack, unpack


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 4, 3),
        np.arange(24, dtype=np.uint8).reshape(2, 4, 3)[:, ::-2],
        np.array([1.5, -2.0], ">f4"),
        np.zeros((0, 3), np.float32),
        np.float32(3.0) * np.ones(()),
    ],
    ids=["image", "strided", "other byte order", "empty", "no axis"],
)
def test_an_array_comes_out_as_it_went_in(array):
    array = np.asarray(array)
    array = array.astype(np.float32) if array.dtype.kind == "f" and not array.ndim else array
    found = array_of("test", "a", unpack(pack({"type": "t", "a": array}))["a"])
    np.testing.assert_array_equal(found, array)
    assert found.shape == array.shape
    assert found.dtype.name == array.dtype.name
    found[...] = 0  # its own to write to


def test_numbers_of_numpy_are_numbers():
    assert unpack(pack({"type": "t", "a": np.int64(4)}))["a"] == 4


@pytest.mark.parametrize(
    "value", [np.zeros(2), np.array(["a"]), np.array([object()]), object(), 1 << 70]
)
def test_what_has_no_form_is_not_packed(value):
    with pytest.raises(ServeError, match="message: value: found"):
        pack({"type": "t", "a": value})


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(frame):
    try:
        message = unpack(frame)
    except ServeError:
        return
    assert isinstance(message["type"], str)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"hello",
        pack({"type": "t"})[:-1],
        pack({"type": "t"}) + b"\x00",
        pack({"kind": "t"}),
        msgpack.packb({"type": 3}),
        msgpack.packb([1]),
        msgpack.packb({"type": "t", 1: 2}),
        msgpack.packb({"type": "t", "a": msgpack.ExtType(5, b"x")}),
        msgpack.packb({"type": "t", "a": "x" * 5_000}),
        b"\xdd\xff\xff\xff\xff" * 100,  # lists of lists that claim four thousand million items
        b"\x91" * 100_000,
    ],
)
def test_what_is_no_message_is_named(frame):
    with pytest.raises(ServeError, match="message: frame: found"):
        unpack(frame)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "field: found 'NoneType', expected an array"),
        ([1, 2], "field: found 'list'"),
        ({"dtype": "float32"}, r"field: found \['dtype'\]"),
        ({"dtype": "object", "shape": [1], "data": b""}, "field.dtype: found 'object'"),
        ({"dtype": "uint8", "shape": [-1], "data": b""}, "field.shape: found"),
        ({"dtype": "uint8", "shape": [True], "data": b"a"}, "field.shape: found"),
        ({"dtype": "uint8", "shape": [1] * 4, "data": b"a"}, "field.shape: found"),
        ({"dtype": "float32", "shape": [2], "data": b"abc"}, "field.data: found 3, expected 8"),
        ({"dtype": "uint8", "shape": [1 << 62, 4], "data": b""}, "field.data: found 0"),
    ],
)
def test_what_is_no_array_is_named(value, said):
    with pytest.raises(ServeError, match=said):
        array_of("where", "field", value)
