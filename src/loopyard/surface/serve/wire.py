"""Messages between a policy server and its clients: one msgpack map a frame, ``type`` in each.

An array is a map of its ``dtype`` ("uint8" or little-endian "float32"), its ``shape`` and its raw
``data``, rows first. Nothing is pickled, and a frame can claim no more memory than it is long.

    client                                               server
    hello    protocol, client, expects, deadline_s   ->  welcome  protocol, server, interface, ...
                                                         refused  differences, reason
    observe  seq, observation, fresh, whole, history ->  action   seq, action, safe, kind, reason
    metrics                                          ->  metrics  metrics

``hello`` and ``refused`` stay as they are in every version of the protocol.
"""

from __future__ import annotations

import math
from typing import Any

import msgpack
import numpy as np

from loopyard.core.errors import ServeError, expected

PROTOCOL = 1
TOKEN = "LOOPYARD_SERVE_TOKEN"
"""The environment variable with what clients must show, at the server and at its clients."""
UNKNOWN = -1
"""The ``seq`` of an answer to what has none that can be read."""
DTYPES = {"uint8": np.dtype("u1"), "float32": np.dtype("<f4")}
MOST_AXES = 3
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
MOST_ITEMS = 1_024
"""Of a list or map. What unpacking reserves before it has read them grows with it."""
MOST_CHARACTERS = 4_096

Message = dict[str, Any]


def pack(message: Message) -> bytes:
    """A frame.

    Raises:
        ServeError: a value that is no number, text, list, map or array of `DTYPES`.
    """
    try:
        return bytes(msgpack.packb(message, default=_array_as_map) or b"")
    except (TypeError, ValueError, OverflowError) as error:
        raise ServeError(
            expected("message", "value", str(error), "numbers, texts, arrays")
        ) from None


def unpack(frame: bytes) -> Message:
    """The message of a frame; arrays are still maps: `array_of` reads them.

    Raises:
        ServeError: it is not one msgpack map with a ``type``.
    """
    try:
        message = msgpack.unpackb(
            frame,
            max_array_len=MOST_ITEMS,
            max_map_len=MOST_ITEMS,
            max_str_len=MOST_CHARACTERS,
            max_ext_len=0,
        )
    except Exception as error:  # the library raises many kinds over bytes of a stranger
        why = f"{type(error).__name__}: {error}"[:200]
        raise ServeError(expected("message", "frame", why, "one msgpack map")) from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        found = sorted(message)[:8] if isinstance(message, dict) else type(message).__name__
        raise ServeError(expected("message", "frame", found, "a map with a 'type'"))
    return message


def array_of(where: str, field: str, value: Any) -> np.ndarray:
    """The array of a map, its own to write to.

    Raises:
        ServeError: it is no such map, or its data is not as long as its shape says.
    """
    parts = value if isinstance(value, dict) else {}
    dtype, shape, data = (parts.get(name) for name in ("dtype", "shape", "data"))
    if not isinstance(dtype, str) or not isinstance(shape, list) or not isinstance(data, bytes):
        found = sorted(map(str, parts))[:8] if parts else type(value).__name__
        raise ServeError(expected(where, field, found, "an array: dtype, shape and data"))
    if dtype not in DTYPES:
        raise ServeError(expected(where, f"{field}.dtype", dtype[:40], f"one of {list(DTYPES)}"))
    if len(shape) > MOST_AXES or not all(type(side) is int and side >= 0 for side in shape):
        found = str(shape)[:80]
        raise ServeError(expected(where, f"{field}.shape", found, f"up to {MOST_AXES} sizes"))
    wanted = math.prod(shape) * DTYPES[dtype].itemsize
    if len(data) != wanted:
        message = expected(where, f"{field}.data", len(data), f"{wanted} bytes, as the shape says")
        raise ServeError(message)
    return np.frombuffer(data, DTYPES[dtype]).reshape(shape).copy()


def _array_as_map(value: Any) -> Message:
    if isinstance(value, np.ndarray):
        name = _NAMES.get(value.dtype) or value.dtype.name  # the name alone takes a while
        if name in DTYPES:
            data = value.astype(DTYPES[name], copy=False).tobytes()
            return {"dtype": name, "shape": list(value.shape), "data": data}
    if isinstance(value, np.generic):
        return value.item()
    found = f"{value.dtype} array" if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(found)
