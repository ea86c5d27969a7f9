import { type JsonObject } from "@durable-workflow/carrier/protocol";
import { at, isObject, numberAt, textAt } from "@durable-workflow/engine-protocol";
import type { Violation } from "../report/violation.js";
import { facts, type Inspection, inspection } from "./inspection.js";

/** 32 hexadecimal digits: what released workers take. */
const TOKEN = /^[a-f0-9]{32}$/;

/** The answer to a registration of a worker. */
export function inspectRegistration(document: JsonObject): Inspection {
  const interval = numberAt(document, "heartbeat_interval_seconds");
  const token = document["registration_token"];
  const isFenced = at(document, "server_capabilities", "worker_deregistration_fencing", "supported") === true;
  const violations: Violation[] = [];
  if (token !== undefined && (typeof token !== "string" || !TOKEN.test(token))) {
    violations.push({ path: "registration_token", message: "must be 32 lower-case hex digits", code: null });
  }
  if (isFenced && token === undefined) {
    const message = "must be there: the engine says that registrations end by their token";
    violations.push({ path: "registration_token", message, code: null });
  }
  if (document["registered"] !== true) {
    violations.push({ path: "registered", message: "must be true in an answer of 201", code: null });
  }
  return inspection({
    kind: "registration",
    title: "an answer to a registration of a worker",
    violations,
    facts: facts(
      ["worker", textAt(document, "worker_id")],
      ["namespace", textAt(document, "namespace")],
      ["task queue", textAt(document, "task_queue")],
      ["runtime", textAt(document, "runtime")],
      ["build id", textAt(document, "build_id")],
      ["status", textAt(document, "status")],
      ["worker protocol", textAt(document, "protocol_version")],
      ["capabilities", capabilityNames(document)],
    ),
    notes: [
      interval === undefined
        ? "the engine does not say how often it wants heartbeats: a dispatcher sends them at its own interval"
        : `the engine wants a heartbeat of the worker every ${interval} s`,
      token === undefined
        ? "without a registration_token the registration ends by DELETE, and a poll that still waits may be leased a task"
        : "its registration_token ends this registration, and no later one of the same worker: it is a secret of the worker",
      "registering the same worker_id again frees all that is leased to it",
    ],
  });
}

function capabilityNames(document: JsonObject): string | undefined {
  const manifest = document["capability_manifest"];
  if (!isObject(manifest)) return undefined;
  const supported = Object.entries(manifest).filter(([, entry]) => at(entry, "supported") === true);
  return supported.length === 0 ? "none beyond activities" : supported.map(([name]) => name).join(", ");
}
