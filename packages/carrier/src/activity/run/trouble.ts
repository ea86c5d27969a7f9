import { isPayloadError } from "../../payload/errors.js";
import type { JsonObject } from "../../protocol/fields.js";
import { formatTimestamp } from "../../protocol/format-timestamp.js";
import { ExternalTaskDeadlineExceeded } from "../errors.js";
import type { ActivityOutcome } from "../outcome.js";
import { thrownMessage } from "../thrown.js";
import type { Deadline } from "./deadlines.js";
import { withDetails } from "./details.js";
import { failureEnvelope } from "./failure-envelope.js";
import {
  aborted,
  codecFailure,
  failureOf,
  KIND_OF,
  permanent,
  shorten,
  type TaskFailure,
  thrown,
  undecodableArguments,
} from "./failures.js";

/**
 * All that a task needs which does not go well. Methods of one object rather than functions of a module: bundlers that make
 * one file write less around it.
 */
export const trouble = {
  aborted,
  failureEnvelope,
  failureOf,
  undecodableArguments,
  withDetails,

  unsupportedTaskKind(kind: string): TaskFailure {
    return permanent(
      "application_error",
      "UnsupportedExternalTaskKind",
      `Invocable carriers only accept activity_task, got ${kind}.`,
    );
  },

  unknownActivity(type: string, known: Iterable<string>): TaskFailure {
    const some = [...known].slice(0, 20).map(shorten).join(", ");
    const message = `There is no invocable activity handler registered for ${JSON.stringify(shorten(type))}, only for: ${some || "none"}.`;
    return permanent("application_error", "UnknownActivityHandler", message);
  },

  unreadableDeadline(deadline: string): TaskFailure {
    const message = `${deadline} must be an RFC 3339 timestamp.`;
    return permanent("decode_failure", "UnreadableDeadline", message, { deadline });
  },

  /** @param clocksAgree whether the caller said what time it is, so that this machine's clock does not matter */
  expiredOnReceipt({ name, expiresAt }: Deadline, now: number, clocksAgree: boolean): TaskFailure {
    const doubt = clocksAgree || name === "platform_limit" ? "" : ` (this clock has ${formatTimestamp(now)})`;
    const when = `before the handler could start${doubt}`;
    return aborted(new ExternalTaskDeadlineExceeded(name, expiresAt, when), false);
  },

  /** No call takes so many. */
  tooManyArguments(count: number, most: number): TaskFailure {
    const message = `There are ${count} arguments, over ${most}: send a list as one.`;
    return permanent("decode_failure", "TooManyArguments", message, { count, most });
  },

  /** There is no room in memory for the arguments, beside those of the tasks that run. */
  crowded(most: number): TaskFailure {
    const message = `The arguments are over maxArgumentValues (${most}).`;
    return { classification: "application_error", type: "CarrierOverloaded", message, retryable: true, crowded: true };
  },

  /** The return value does not encode. */
  unencodableResult(error: unknown): TaskFailure {
    const message = `The return value does not encode: ${thrownMessage(error)}`;
    return codecFailure("ResultEncodeFailure", message, error);
  },

  /** The arguments lie in external storage, or with the engine, and the carrier was given no way to read them. */
  unsupportedReference(envelope: JsonObject): TaskFailure {
    const [reason, fix] =
      "external_payload" in envelope ? ["runtime_reference", "runtimePayloads"] : ["no_driver", "externalStorage"];
    const message = `To read the arguments, this carrier needs ${fix}.`;
    return permanent("unsupported_payload_reference", "UnsupportedPayloadReference", message, { reason });
  },

  /** What a step beside the handler's threw: fetching or storing a payload. */
  stepFailure(error: unknown, stackTraces: boolean): TaskFailure {
    return isPayloadError(error) ? undecodableArguments(error) : thrown(error, stackTraces);
  },

  /** What a task was answered with, as interceptors see it. */
  outcomeOf({ classification, type, retryable }: TaskFailure): ActivityOutcome {
    return { status: "failed", kind: KIND_OF[classification], classification, type, retryable };
  },
};
