"""Says what `durable_workflow.invocable` names, then what it does with each body or Lambda event of standard input."""
from __future__ import annotations

import asyncio
import inspect
import json
import sys
from typing import Any

from durable_workflow import invocable

from handlers import HANDLERS


def timed_out() -> None:
    raise TimeoutError("the handler's own")


OWN = {**HANDLERS, "reference.time-out": timed_out, "reference.unencodable": lambda: object()}


def names() -> list[str]:
    """Public names of the module's own, the methods of its classes, and what its handler takes and keeps."""
    found: list[str] = ["InvocableActivityCallable"]
    for name, member in vars(invocable).items():
        if name.startswith("_") or getattr(member, "__module__", None) != invocable.__name__:
            continue
        found.append(name)
        if inspect.isclass(member):
            found += [f"{name}.{method}" for method, _ in inspect.getmembers(member, inspect.isfunction) if method[0] != "_"]
    handler = invocable.InvocableActivityHandler({})
    options = inspect.signature(invocable.InvocableActivityHandler).parameters.values()
    found += [f"option {each.name}" for each in options if each.kind is inspect.Parameter.KEYWORD_ONLY]
    found += [f"attribute {name}" for name in vars(handler)]
    return sorted(set(found))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        if "event" in request:
            return asyncio.run(invocable.handle_invocable_lambda_event(request["event"], OWN))
        response = asyncio.run(invocable.handle_invocable_http_request(request["body"], OWN))
        return {"statusCode": response.status_code, "headers": dict(response.headers), "body": response.body}
    except Exception as error:  # what it raises is an answer, too
        return {"raised": type(error).__name__}


def main() -> None:
    print(json.dumps({"names": names()}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request["id"], **answer(request)}), flush=True)


main()
