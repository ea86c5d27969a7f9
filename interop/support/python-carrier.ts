import { LinePeer } from "./line-peer.js";
import { pythonPeer } from "./peers.js";
import type { PythonVersion } from "./prepare-peers.js";

/** The Python SDK's carrier (`handle_invocable_http_request`), which serves `interop/python/handlers.py`. */
export interface PythonCarrier {
  readonly url: string;
  readonly peer: LinePeer;
}

export async function startPythonCarrier(version: PythonVersion): Promise<PythonCarrier> {
  const peer = new LinePeer(pythonPeer(version, "carrier"));
  const { url } = await peer.line((line) => typeof line["url"] === "string", "its address");
  return { url, peer };
}
