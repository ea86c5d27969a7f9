import { isObject } from "@durable-workflow/engine-protocol";
import type { Progress } from "../api/index.js";
import { cutText } from "../text.js";

/** What a heartbeat said; null where it said nothing of it. */
export function progressOf(told: unknown): Progress | null {
  if (!isObject(told)) return null;
  const { current, total, unit, message } = told;
  const progress = { current: number(current), total: number(total), unit: text(unit), message: text(message) };
  return Object.values(progress).every((value) => value === null) ? null : progress;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? cutText(value, 500) : null;
}
