"""Parses envelopes as the SDK does, line by line: {"input"} or {"result"}; {"handle"} runs a handler of its own."""
from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from typing import Any

from durable_workflow.external_task_input import parse_external_task_input, parse_external_task_input_artifact
from durable_workflow.external_task_result import parse_external_task_result, parse_external_task_result_artifact
from durable_workflow.invocable import handle_invocable_http_request

from handlers import HANDLERS

PARSERS = {
    "input": parse_external_task_input,
    "input_artifact": parse_external_task_input_artifact,
    "result": parse_external_task_result,
    "result_artifact": parse_external_task_result_artifact,
}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    ((what, document),) = request.items()
    if what == "handle":
        response = asyncio.run(handle_invocable_http_request(json.dumps(document), HANDLERS))
        return {"status": response.status_code, "headers": dict(response.headers), "body": response.body}
    try:
        return {"parsed": dataclasses.asdict(PARSERS[what](document))}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line)), default=str) + "\n")
        sys.stdout.flush()


main()
