import { argumentCases } from "./arguments.js";
import { authCases } from "./auth.js";
import { deadlineCases } from "./deadlines.js";
import { httpCases } from "./http.js";
import { identityCases } from "./identity.js";
import { outcomeCases } from "./outcomes.js";
import { payloadCases } from "./payloads.js";
import type { ConformanceCase } from "./types.js";

/**
 * What the contract demands of a carrier in any language, case by case. A carrier that is tested registers the activities
 * of `conformanceHandlers`; whoever tests it sends `request`, as JSON with the media type of task inputs, and hands what
 * came back to `checkConformance`. Those that may end a careless carrier come last.
 */
export const conformanceCases: readonly ConformanceCase[] = hostileLast([
  ...identityCases,
  ...argumentCases,
  ...payloadCases,
  ...outcomeCases,
  ...deadlineCases,
  ...httpCases,
]);

/** What the contract demands of a carrier that is guarded by a bearer token, which the sender has. */
export const conformanceAuthCases: readonly ConformanceCase[] = authCases;

/** Each in its order else. */
function hostileLast(cases: readonly ConformanceCase[]): readonly ConformanceCase[] {
  return [...cases.filter(({ hostile }) => hostile !== true), ...cases.filter(({ hostile }) => hostile === true)];
}
