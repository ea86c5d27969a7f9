"""Values as the suite writes them: every kind and every bit kept, in JSON."""
from __future__ import annotations

import struct
from typing import Any


def to_notation(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"l": str(value)}
    if isinstance(value, float):
        return {"d": struct.pack(">d", value).hex()}
    if isinstance(value, bytes):
        return {"b": value.hex()}
    if isinstance(value, str):
        return {"s": value}
    if isinstance(value, list):
        return {"a": [to_notation(item) for item in value]}
    return {"m": [[key, to_notation(item)] for key, item in value.items()]}


def from_notation(notation: Any) -> Any:
    if notation is None or isinstance(notation, bool):
        return notation
    ((kind, value),) = notation.items()
    if kind == "l":
        return int(value)
    if kind == "d":
        return struct.unpack(">d", bytes.fromhex(value))[0]
    if kind == "b":
        return bytes.fromhex(value)
    if kind == "s":
        return value
    if kind == "a":
        return [from_notation(item) for item in value]
    return {key: from_notation(item) for key, item in value}
