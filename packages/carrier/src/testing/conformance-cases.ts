import { argumentCases } from "./conformance/arguments.js";
import { authCases } from "./conformance/auth.js";
import { deadlineCases } from "./conformance/deadlines.js";
import { httpCases } from "./conformance/http.js";
import { identityCases } from "./conformance/identity.js";
import { outcomeCases } from "./conformance/outcomes.js";
import { payloadCases } from "./conformance/payloads.js";
import type { ConformanceCase } from "./conformance-types.js";

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
