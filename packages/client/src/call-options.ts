import type { Rules } from "./check.js";
import type { CallOptions, WaitOptions } from "./handle.js";

export const CALL: Rules<CallOptions> = { signal: true };

export const WAIT: Rules<WaitOptions> = {
  signal: true,
  timeoutMs: [(value) => typeof value === "number" && value >= 0, "a number >= 0"],
};
