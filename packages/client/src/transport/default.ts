import { fetchTransport } from "./fetch.js";
import type { Transport } from "./transport.js";

/** The transport of a client that is given none, on every runtime but Node. */
export function defaultTransport(): Transport {
  return fetchTransport();
}
