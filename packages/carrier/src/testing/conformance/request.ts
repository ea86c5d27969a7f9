import { bytesToBase64 } from "../../payload/platform/portable.js";
import type { AvroValue } from "../../payload/value.js";
import { HEADER } from "../../payload/wire-format.js";
import { type ActivityTaskOptions, activityTask } from "./tasks.js";
import type { ConformanceCase, ConformanceContext, ConformanceRequest } from "./types.js";

type Changes = Omit<ActivityTaskOptions, "now" | "handler" | "args">;
type RequestFactory = (context: ConformanceContext) => ConformanceRequest;

/** A task for one of the conformance handlers. */
export function task(
  handler: string,
  args?: readonly AvroValue[],
  changes: Changes | ((now: number) => Changes) = {},
): RequestFactory {
  return ({ now }) => {
    const more = typeof changes === "function" ? changes(now) : changes;
    return { document: activityTask({ now, handler, ...(args && { args }), ...more }) };
  };
}

/** A valid task that would return 1, in a form of the caller's. */
export function rawTask(raw: (document: Readonly<Record<string, unknown>>) => ConformanceRequest): RequestFactory {
  return ({ now }) => raw({ ...activityTask({ now, handler: "conformance.echo", args: [1] }) });
}

/** Base64 of the frame of a payload, followed by these bytes in place of a datum. */
export function framed(...datum: readonly number[]): string {
  return bytesToBase64(Uint8Array.from([...HEADER, ...datum]));
}

/** Cases that share everything but a few fields. */
export function variants<Row extends { readonly id: string }>(
  rows: readonly Row[],
  toCase: (row: Row) => Omit<ConformanceCase, "id">,
): readonly ConformanceCase[] {
  return rows.map((row) => ({ id: row.id, ...toCase(row) }));
}
