"""Answers each line of standard input with one of standard output: {"blob"} is decoded, {"value"} encoded."""
from __future__ import annotations

import json
import sys
from typing import Any

from durable_workflow import _avro

from notation import from_notation, to_notation


def answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        if "blob" in request:
            value = _avro.decode(request["blob"])
            return {"value": to_notation(value), "blob": _avro.encode(value)}
        return {"blob": _avro.encode(from_notation(request["value"]))}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    for line in sys.stdin:
        # Written at once: when a frame is the end of this process, the one without an answer is it.
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


main()
