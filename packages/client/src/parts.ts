import type * as Calls from "./calls/index.js";
import type * as Ends from "./ends/index.js";
import { ClientError } from "./errors/client-error.js";
import type * as Large from "./payload/large-payloads.js";
import type * as Failures from "./transport/failure.js";
import type * as Trouble from "./trouble/index.js";

/*
 * What most calls do without is no part of what is loaded at first. Each part has one door, here: bundlers make a file of it.
 */

/** What becomes of a call whose first try did not go well. */
export const trouble = (): Promise<typeof Trouble> => loaded(import("./trouble/index.js"));
/** How an activity ended that did not complete, and of a run that is not the newest. */
export const ends = (): Promise<typeof Ends> => loaded(import("./ends/index.js"));
/** Payloads that go and come apart from their request. */
export const largePayloads = (): Promise<typeof Large> => loaded(import("./payload/large-payloads.js"));
/** Calls that few programs make. */
export const calls = (): Promise<typeof Calls> => loaded(import("./calls/index.js"));
/** Why a request failed, by the words of its platform. */
export const failures = (): Promise<typeof Failures> => loaded(import("./transport/failure.js"));

/** Loads what is needed where there is trouble, before there is. */
export function prepare(): void {
  void Promise.allSettled([trouble(), ends(), failures()]);
}

/** A page may have lost its network meanwhile. @throws {ClientError} `unreachable` */
async function loaded<Part>(part: Promise<Part>): Promise<Part> {
  try {
    return await part;
  } catch (cause) {
    const told = `part of the client is missing: ${String(cause)}`;
    throw new ClientError("unreachable", told, { cause, retryable: true });
  }
}
