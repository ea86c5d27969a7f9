import type { TestProject } from "vitest/node";
import { type Peers, preparePeers } from "./prepare-peers.js";

declare module "vitest" {
  interface ProvidedContext {
    readonly peers: Peers;
  }
}

/** Fetches and builds the peers, once for a whole cache, before any test file is read. */
export default function setup({ provide }: TestProject): void {
  provide("peers", preparePeers());
}
