"""A worker of the interop activities: worker.py URL QUEUE. It stops, cleanly, when its input ends."""
from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from durable_workflow import Client, Worker, activity
from durable_workflow.errors import ActivityCancelled, NonRetryableError


def tell(**event: Any) -> None:
    print(json.dumps(event), flush=True)


class NotYet(Exception):
    """Running it again will help."""


class CardDeclined(NonRetryableError):
    """Running it again will not help."""


@activity.defn(name="interop.echo")
async def echo(value: Any) -> Any:
    return value


@activity.defn(name="interop.arguments")
async def arguments(*args: Any) -> Any:
    return list(args)


@activity.defn(name="interop.twice")
async def twice(value: bytes) -> bytes:
    return value + value


@activity.defn(name="interop.size")
async def size(value: bytes) -> int:
    return len(value)


@activity.defn(name="interop.make")
async def make(size: int) -> bytes:
    return bytes(size)


@activity.defn(name="interop.fail-until")
async def fail_until(last: int) -> int:
    attempt = activity.context().info.attempt_number
    if attempt < last:
        raise NotYet(f"attempt {attempt} of {last}")
    return attempt


@activity.defn(name="interop.fail-for-good")
async def fail_for_good() -> None:
    raise CardDeclined("the card was declined")


@activity.defn(name="interop.beat")
async def beat(milliseconds: int) -> str:
    """Lives so long, and says so every 200 ms."""
    for _ in range(milliseconds // 200):
        await asyncio.sleep(0.2)
        await activity.context().heartbeat({"alive": True})
    return "alive"


@activity.defn(name="interop.sleep")
async def sleep(milliseconds: int) -> int:
    """Waits so long without a sign of life."""
    await asyncio.sleep(milliseconds / 1000)
    return milliseconds


@activity.defn(name="interop.beat-until-stopped")
async def beat_until_stopped() -> str:
    """Lives until a heartbeat is told to stop, and tells which way."""
    try:
        for _ in range(300):
            tell(event="beating")
            await activity.context().heartbeat({"alive": True})
            await asyncio.sleep(0.1)
    except ActivityCancelled:
        tell(event="cancelled")
        raise
    except Exception as error:
        tell(event="stopped-activity", error=type(error).__name__)
        raise
    return "never stopped"


ACTIVITIES = [echo, arguments, twice, size, make, fail_until, fail_for_good, beat, sleep, beat_until_stopped]


async def main(url: str, queue: str) -> None:
    async with Client(url, token=os.environ.get("INTEROP_TOKEN"), namespace="default") as client:
        worker = Worker(client, task_queue=queue, workflows=[], activities=ACTIVITIES, poll_timeout=2.0)
        running = asyncio.ensure_future(worker.run())
        ended = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
        await asyncio.wait([running, ended], return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await worker.stop()
        await running
    tell(event="stopped")


asyncio.run(main(*sys.argv[1:]))
