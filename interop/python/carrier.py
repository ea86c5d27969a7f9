"""The Python SDK's carrier behind the standard library's HTTP server; prints its address, ends with its input."""
from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from durable_workflow import _avro
from durable_workflow.invocable import handle_invocable_http_request

from greeter import task_input
from handlers import HANDLERS


class Carrier(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path == "/greeter":
            body = json.dumps(task_input(json.loads(body))).encode()
        response = asyncio.run(handle_invocable_http_request(body, HANDLERS))
        self.answer(response.status_code, dict(response.headers), response.body)

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, {"Content-Type": "application/json"}, '{"status":"ok"}')
        else:
            self.refuse()

    def refuse(self) -> None:
        # The SDK leaves methods to the server that it is behind; so does this one.
        headers = {"Content-Type": "application/json", "Allow": "POST"}
        self.answer(405, headers, '{"error":"method_not_allowed","message":"POST"}')

    do_PUT = do_PATCH = do_DELETE = refuse

    def answer(self, status: int, headers: dict[str, str], body: str) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    # Five, the standard, keep the others of many that connect at once waiting for a second.
    request_queue_size = 128
    daemon_threads = True


def main() -> None:
    _avro.encode(None)  # the schema is parsed before anybody waits for it
    server = Server(("127.0.0.1", 0), Carrier)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_address[1]}/"}), flush=True)
    sys.stdin.read()
    os._exit(0)


main()
