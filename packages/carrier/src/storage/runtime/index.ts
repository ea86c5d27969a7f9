export { sha256OfBytes } from "../digest.js";
export type { PayloadFetch, PayloadFetchInit, PayloadFetchResponse } from "./engine-fetch.js";
export { type RuntimePayloadsOptions, runtimePayloads } from "./runtime-payloads.js";
