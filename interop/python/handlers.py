"""The activities that the Python carrier serves: those of the conformance cases, and those of the suite."""
from __future__ import annotations

import asyncio
from typing import Any

from durable_workflow.errors import ActivityCancelled, NonRetryableError


class ConformanceFailure(Exception):
    """An application failure."""


class ConformanceRefusal(NonRetryableError):
    """One that is not retried."""


class CardDeclined(NonRetryableError):
    """One that is not retried."""


class GreetingRefused(Exception):
    """What the greeter throws."""


async def sleep(milliseconds: int) -> int:
    await asyncio.sleep(milliseconds / 1000)
    return milliseconds


def fail(message: str) -> None:
    raise ConformanceFailure(message)


def fail_without_message() -> None:
    raise ConformanceFailure()


def fail_type_error() -> None:
    raise TypeError("conformance: a value of the wrong type")


def fail_non_retryable(message: str) -> None:
    raise ConformanceRefusal(message)


def fail_with_details(message: str, details: Any) -> None:
    # Errors of this SDK carry no details of their own to a carrier's failure.
    raise ConformanceFailure(message)


def cancel(message: str) -> None:
    # The error of this SDK takes no message from its thrower.
    raise ActivityCancelled()


def decline() -> None:
    raise CardDeclined("the card was declined")


def greet(name: str, scenario: str) -> dict[str, str]:
    if scenario == "failure":
        raise GreetingRefused(f"{name} is not greeted")
    return {"greeting": f"Hello, {name}!", "service_sdk_language": "python"}


HANDLERS = {
    "conformance.echo": lambda value: value,
    "conformance.arguments": lambda *args: list(args),
    "conformance.count": lambda *args: len(args),
    "conformance.as-double": lambda value: float(value),
    "conformance.nothing": lambda: None,
    "conformance.sleep": sleep,
    "conformance.fail": fail,
    "conformance.fail-without-message": fail_without_message,
    "conformance.fail-type-error": fail_type_error,
    "conformance.fail-non-retryable": fail_non_retryable,
    "conformance.fail-with-details": fail_with_details,
    "conformance.cancel": cancel,
    "conformance.return-unencodable": lambda: float("nan"),
    "interop.echo": lambda value: value,
    "interop.arguments": lambda *args: list(args),
    "interop.twice": lambda value: value + value,
    "interop.size": len,
    "interop.make": lambda size: bytes(size),
    "interop.length": len,
    "interop.repeat": lambda text, times: text * times,
    "interop.sleep": sleep,
    "interop.fail-for-good": decline,
    "interop.greet": greet,
}
