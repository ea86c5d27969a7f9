import type { TransportRetryPolicy } from "@durable-workflow/engine-protocol/executor-config";

/** Milliseconds to wait before the next try; undefined when the policy has none left. @param tries made so far, from 1 */
export function retryDelayMs({ maxAttempts, backoffSeconds }: TransportRetryPolicy, tries: number): number | undefined {
  if (tries >= maxAttempts) return undefined;
  const seconds = backoffSeconds[Math.min(tries, backoffSeconds.length) - 1] ?? 0;
  return seconds * 1000;
}

/** Whether the policy counts an answer of this status as "not reached". */
export function isRetryableStatus({ retryableStatusCodes }: TransportRetryPolicy, status: number): boolean {
  return retryableStatusCodes.some((code) => (code === "5xx" ? status >= 500 && status <= 599 : code === status));
}
