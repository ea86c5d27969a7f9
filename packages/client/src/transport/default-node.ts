import { nodeTransport } from "./node.js";
import type { Transport } from "./transport.js";

/** The transport of a client that is given none, on Node. */
export function defaultTransport(): Transport {
  return nodeTransport();
}
