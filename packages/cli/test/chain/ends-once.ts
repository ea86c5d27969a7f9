import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import { expect } from "vitest";
import { Audit, type AuditOptions } from "./audit.js";
import { type Chain, startAll, untilAllClosed } from "./chain.js";
import type { Scenario } from "./scenario.js";
import { type ToldOptions, wronglyTold } from "./told.js";

export interface EndsOnceOptions extends ToldOptions {
  /** Of every start, beside what its scenario says. */
  readonly request?: Partial<StartRequest>;
  readonly audit?: AuditOptions;
  /** Called once all have ended, before the dispatchers drain. */
  readonly onClosed?: () => void;
}

/**
 * Starts an activity for each scenario, waits for the end of all, and expects that each has ended once, as its scenario says, and
 * that this is what dispatchers have told.
 */
export async function expectEndsOnce(
  chain: Chain,
  type: string,
  all: readonly Scenario<unknown>[],
  { request, audit: auditOptions, onClosed, ...toldOptions }: EndsOnceOptions = {},
): Promise<Audit> {
  const ids = await startAll(chain.client, type, all, request);
  const open = await untilAllClosed(chain.client);
  onClosed?.();
  await chain.drain();
  const audit = new Audit(auditOptions);
  await audit.read(chain.client, ids, all);
  expect({ open, wrong: audit.wrong }).toEqual({ open: [], wrong: [] });
  const { events, log } = chain;
  const told = { events, log, counted: await chain.countedEnds() };
  expect(wronglyTold(told, audit.attempts, toldOptions)).toEqual([]);
  expect(audit.recorded).toHaveLength(all.length);
  return audit;
}
