import type { ContextKey, InvocableAuthGate, InvocableHandlers } from "@durable-workflow/carrier";

export const platform: ContextKey<undefined>;
export function handlersWith(describe: (given: readonly never[]) => string): InvocableHandlers;
export const options: {
  readonly auth: InvocableAuthGate;
  readonly bodyLimitBytes: number;
  readonly health: true;
};
