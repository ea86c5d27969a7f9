import type { ActivityHandler } from "../../src/activity/definition/registry.js";
import { InvocableActivityHandler, type InvocableActivityHandlerOptions } from "../../src/activity/handler.js";
import { type AvroValue, decodePayload, payloadEnvelope } from "../../src/payload/index.js";
import type { ActivityTaskInputEnvelope, InvocableResultEnvelope } from "../../src/protocol/index.js";
import { activityTaskEnvelope, type Changes } from "./envelopes.js";

/** Runs one activity with arguments, through a handler of its own. */
export function runActivity(
  activity: ActivityHandler,
  args: readonly unknown[] = [],
  options: InvocableActivityHandlerOptions = {},
  changes: Changes<ActivityTaskInputEnvelope> = {},
): Promise<InvocableResultEnvelope> {
  const task = activityTaskEnvelope({ payloads: { arguments: payloadEnvelope(args) }, ...changes });
  return new InvocableActivityHandler(new Map([["lamps.dim", activity]]), options).handle(task);
}

/** The decoded return value; throws what the failure says instead. */
export function valueOf(result: InvocableResultEnvelope): AvroValue {
  if ("failure" in result) throw new Error(`${String(result.failure.type)}: ${result.failure.message}`);
  return decodePayload(result.result?.payload);
}

/** The decoded details of a failure. */
export function detailsOf(result: InvocableResultEnvelope): AvroValue | undefined {
  return "failure" in result && result.failure.details !== null ? decodePayload(result.failure.details) : undefined;
}
