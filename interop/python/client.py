"""The SDK's client: client.py URL. Each line of input is {"id", "do", ...}; each of output {"id", "value"} or {"id", "error"}."""
from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import os
import random
import sys
from typing import Any

from durable_workflow import Client

from notation import from_notation, to_notation

LIMIT_SECONDS = 25.0


async def start(client: Client, input: Any = None, **options: Any) -> Any:
    arguments = None if input is None else [from_notation(item) for item in input]
    handle = await client.start_activity(input=arguments, **options)
    return {"activity_id": handle.activity_id, "run_id": handle.workflow_run_id}


async def describe(client: Client, activity_id: str) -> Any:
    execution = dataclasses.asdict(await client.describe_activity(activity_id))
    return {**execution, "result": to_notation(execution["result"])}


async def list_activities(client: Client, **options: Any) -> Any:
    page = await client.list_activities(**options)
    return {
        "ids": [item.activity_id for item in page.activities],
        "count": page.activity_count,
        "next": page.next_page_token,
    }


async def result(client: Client, activity_id: str, timeout: float = LIMIT_SECONDS) -> Any:
    handle = client.get_activity_handle(activity_id)
    return to_notation(await client.get_activity_result(handle, poll_interval=0.05, timeout=timeout))


async def cancel(client: Client, activity_id: str, reason: str | None = None) -> Any:
    await client.get_activity_handle(activity_id).cancel(reason=reason)


async def terminate(client: Client, activity_id: str, reason: str | None = None) -> Any:
    await client.terminate_workflow(activity_id, reason=reason)


async def roundtrip(client: Client, sizes: list[int], timeout: float = 100.0, **options: Any) -> Any:
    """Starts an activity with bytes of these sizes as its arguments, each its own, and tells what its result is."""
    arguments = [random.Random(size).randbytes(size) for size in sizes]
    handle = await client.start_activity(input=arguments, **options)
    value = await client.get_activity_result(handle, poll_interval=0.2, timeout=timeout)
    same = [value == argument for argument in arguments]
    digest = hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else None
    size = len(value) if isinstance(value, (bytes, str, list)) else value
    sent = [hashlib.sha256(argument + argument).hexdigest() for argument in arguments]
    return {"same": same, "size": size, "digest": digest, "doubled": [digest == one for one in sent]}


async def history(client: Client, activity_id: str, run_id: str) -> Any:
    return await client.get_history(activity_id, run_id)


CALLS = {
    "start": start,
    "describe": describe,
    "list": list_activities,
    "result": result,
    "cancel": cancel,
    "terminate": terminate,
    "history": history,
    "roundtrip": roundtrip,
}


async def answer(client: Client, request: dict[str, Any]) -> None:
    id, call = request.pop("id"), CALLS[request.pop("do")]
    try:
        told: dict[str, Any] = {"value": await call(client, **request)}
    except BaseException as error:  # cancellations of this SDK are not Exceptions
        status = getattr(error, "status", None)
        reason = getattr(error, "reason", None)
        if isinstance(reason, str):
            message = f"{reason}: {error}"
        else:
            message = str(error)
        told = {"error": {"type": type(error).__name__, "message": message, "status": status}}
    print(json.dumps({"id": id, **told}), flush=True)


async def main(url: str) -> None:
    async with Client(url, token=os.environ.get("INTEROP_TOKEN"), namespace="default") as client:
        under_way: set[asyncio.Task[None]] = set()
        while line := await asyncio.to_thread(sys.stdin.readline):
            task = asyncio.create_task(answer(client, json.loads(line)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)


asyncio.run(main(*sys.argv[1:]))
