"""The cross-language greeter: a plain JSON request, put into a task input of the service's own making."""
from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from durable_workflow import serializer


def task_input(request: dict[str, Any]) -> dict[str, Any]:
    ahead = (datetime.now(timezone.utc) + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    key = "interop-greeter-attempt"
    return {
        "schema": "durable-workflow.v2.external-task-input",
        "version": 1,
        "task": {
            "id": "interop-greeter-task",
            "kind": "activity_task",
            "attempt": 1,
            "activity_attempt_id": key,
            "idempotency_key": key,
            "task_queue": "interop-greeter",
            "handler": "interop.greet",
            "connection": None,
        },
        "workflow": {"id": "interop-greeter-caller", "run_id": "interop-greeter-run"},
        "lease": {
            "owner": "interop-greeter",
            "expires_at": ahead,
            "heartbeat_endpoint": "/api/worker/activity-tasks/interop-greeter-task/heartbeat",
        },
        "payloads": {"arguments": serializer.envelope([request["name"], request["scenario"]])},
        "deadlines": {
            "schedule_to_start": ahead,
            "start_to_close": ahead,
            "schedule_to_close": ahead,
            "heartbeat": ahead,
        },
        "headers": request.get("headers", {}),
    }
