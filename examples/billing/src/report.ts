import { inspect } from "node:util";
import {
  decodePayload,
  type ExternalTaskResult,
  isPayloadError,
  type JsonObject,
  type PayloadEnvelope,
} from "@durable-workflow/carrier";
import type { Delivery } from "./dispatch.js";

/** Wraps text in an ANSI colour, or leaves it alone. */
type Paint = (text: string) => string;

export interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly red: Paint;
}

export function palette(colours: boolean): Palette {
  const paint =
    (code: number): Paint =>
    (text) =>
      colours ? `\u001b[${code}m${text}\u001b[0m` : text;
  return { bold: paint(1), dim: paint(2), green: paint(32), yellow: paint(33), red: paint(31) };
}

/** One delivery as a person reads it: what was sent, and what came of it. */
export function describeDelivery(title: string, { envelope, status, result }: Delivery, colours: Palette): string {
  const { bold, dim } = colours;
  const { task } = envelope;
  const lines = [
    ["request", `POST task ${task.id}, ${task.handler}, attempt ${task.attempt}`],
    ["arguments", show(decode(envelope.payloads.arguments))],
    ["status", String(status)],
    ["outcome", outcome(result, colours)],
    ...detailLines(result),
    ["took", `${result.metadata.durationMs ?? "?"} ms in ${result.metadata.carrier ?? "?"}`],
  ] as const;
  const body = lines.map(([label, text]) => `  ${dim(label.padEnd(10))} ${indent(text)}`);
  return [bold(title), ...body, ""].join("\n");
}

function outcome(result: ExternalTaskResult, { green, yellow, red }: Palette): string {
  if (result.kind === "success") return green("succeeded");
  const { classification, type } = result.failure;
  const retry = result.retryable ? yellow("the engine may retry") : red("no retry");
  return `${red("failed")}: ${classification}${type === null ? "" : ` (${type})`}, ${retry}`;
}

function detailLines(result: ExternalTaskResult): readonly (readonly [string, string])[] {
  if (result.kind === "success") return [["result", show(decode(result.payload))]];
  const { message, details } = result.failure;
  return details === null
    ? [["message", message]]
    : [
        ["message", message],
        ["details", show(decode(details))],
      ];
}

/** The value of an inline payload; of one in storage the reference to it. */
function decode(payload: PayloadEnvelope | JsonObject | null): unknown {
  if (payload !== null && "external_storage" in payload) return payload["external_storage"];
  try {
    return payload === null ? null : decodePayload(payload);
  } catch (error) {
    if (isPayloadError(error)) return error.message;
    throw error;
  }
}

function show(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: 110, compact: 10 });
}

function indent(text: string): string {
  return text.replaceAll("\n", `\n${" ".repeat(13)}`);
}
