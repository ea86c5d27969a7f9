import { randomBytes } from "node:crypto";

/** A new W3C trace context, sampled: for tasks that come without one. */
export function newTraceparent(): string {
  const hex = randomBytes(24).toString("hex");
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}
