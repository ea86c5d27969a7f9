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
 * came back to `checkConformance`.
 */
export const conformanceCases: readonly ConformanceCase[] = [
  ...identityCases,
  ...argumentCases,
  ...payloadCases,
  ...outcomeCases,
  ...deadlineCases,
  ...httpCases,
];

/** What the contract demands of a carrier that is guarded by a bearer token, which the sender has. */
export const conformanceAuthCases: readonly ConformanceCase[] = authCases;
