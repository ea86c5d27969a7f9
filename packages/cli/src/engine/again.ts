import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import type { ActivityDescription, InlinePayload } from "@durable-workflow/client/tools";
import { isObject } from "@durable-workflow/engine-protocol";
import type { HistoryEvent, StartRequest } from "@durable-workflow/engine-protocol/control";
import {
  type RuntimePayloadEnvelope,
  readRuntimePayloadEnvelope,
} from "@durable-workflow/engine-protocol/external-payloads";
import { CliError, EXIT } from "../shell/command.js";
import type { ControlPlane } from "./control-plane.js";

/** With what a run was started: all but its arguments as they are sent. */
export interface StartedWith {
  readonly request: Omit<StartRequest, "input">;
  /** Null for none. */
  readonly input: InlinePayload | RuntimePayloadEnvelope | null;
}

/**
 * With what a run was started, as its description and its history tell.
 *
 * @throws {CliError} for a history that does not say
 */
export function startedWith(description: ActivityDescription, history: readonly HistoryEvent[]): StartedWith {
  const scheduled = history.find(({ event_type: type }) => type === "ActivityScheduled")?.payload;
  const activity = scheduled?.["activity"];
  if (!isObject(activity)) {
    const id = description.activity_id;
    throw new CliError(
      EXIT.failed,
      `the engine does not say with what ${id} was started`,
      "dw-carrier start starts one anew.",
    );
  }
  const policy = isObject(activity["retry_policy"]) ? activity["retry_policy"] : {};
  const seconds = (name: string): number | undefined => wholeOf(policy[`${name}_timeout`]);
  const timeouts = {
    start_to_close_timeout_seconds: seconds("start_to_close"),
    schedule_to_start_timeout_seconds: seconds("schedule_to_start"),
    schedule_to_close_timeout_seconds: seconds("schedule_to_close"),
    heartbeat_timeout_seconds: seconds("heartbeat"),
  };
  return {
    request: {
      activity_type: description.activity_type,
      activity_id: description.activity_id,
      task_queue: description.task_queue,
      ...(description.business_key === null ? {} : { business_key: description.business_key }),
      retry_policy: {
        max_attempts: wholeOf(policy["max_attempts"]) ?? 1,
        backoff_seconds: listOf(policy["backoff_seconds"]).filter((item) => typeof item === "number"),
        non_retryable_error_types: listOf(policy["non_retryable_error_types"]).filter(
          (item) => typeof item === "string",
        ),
      },
      ...Object.fromEntries(Object.entries(timeouts).filter(([, value]) => value !== undefined)),
    },
    input: inputOf(activity["arguments"], activity["payload_codec"]),
  };
}

/**
 * The arguments themselves, fetched where the engine keeps them apart.
 *
 * @throws {CliError} where they cannot be had any more
 */
export async function inlineInput(
  input: StartedWith["input"],
  client: ControlPlane,
): Promise<InlinePayload | undefined> {
  if (input === null) return undefined;
  return "external_payload" in input ? client.download(input.external_payload) : input;
}

function inputOf(value: unknown, codec: unknown): StartedWith["input"] {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return { codec: typeof codec === "string" ? codec : AVRO_CODEC, blob: value };
  if (isObject(value) && typeof value["codec"] === "string" && typeof value["blob"] === "string") {
    return { codec: value["codec"], blob: value["blob"] };
  }
  if (readRuntimePayloadEnvelope(value).reference !== undefined) return value as unknown as RuntimePayloadEnvelope;
  throw new CliError(
    EXIT.failed,
    "the engine tells the arguments in a way that is not known here",
    "Give them with --args.",
  );
}

function wholeOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
