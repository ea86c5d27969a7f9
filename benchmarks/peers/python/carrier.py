"""The Python SDK's carrier as an ASGI app, for uvicorn."""
from __future__ import annotations

from typing import Any

from durable_workflow.invocable import handle_invocable_http_request

HANDLERS = {"greet": lambda name: f"Hello, {name}", "size": lambda text: len(text)}


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    response = await handle_invocable_http_request(body, HANDLERS)
    data = response.body.encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    headers.append((b"content-length", str(len(data)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": data})
