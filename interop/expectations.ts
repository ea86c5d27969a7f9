import type { PythonVersion } from "./support/prepare-peers.js";

/** A peer as a worker, and the worker protocol that it asks an engine for. */
export interface WorkerPeer {
  readonly name: string;
  /** What the engine must advertise, at the least; it is left out, with that reason, where it advertises less. */
  readonly needs: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface PythonWorkerPeer extends WorkerPeer {
  readonly version: PythonVersion;
}

const AT_119 = { DURABLE_WORKFLOW_WORKER_PROTOCOL_VERSION: "1.19" };

export const PYTHON_WORKERS: readonly PythonWorkerPeer[] = [
  { name: "Python 2.12.0", version: "2.12.0", needs: "1.20" },
  { name: "Python 2.12.0 at 1.19", version: "2.12.0", needs: "1.19", env: AT_119 },
  { name: "Python 2.0.0", version: "2.0.0", needs: "1.19" },
  { name: "Python 2.0.0rc35", version: "2.0.0rc35", needs: "1.14" },
];

/** The same as clients, which ask for no worker protocol. */
export const PYTHON_CLIENTS: readonly Omit<PythonWorkerPeer, "needs">[] = PYTHON_WORKERS;

export const RUST_WORKERS: readonly WorkerPeer[] = [
  { name: "Rust 4.10.2", needs: "1.20" },
  { name: "Rust 4.10.2 at 1.19", needs: "1.19", env: { INTEROP_WORKER_PROTOCOL: "1.19" } },
];

/** Why an engine that advertises a version cannot serve a peer; undefined where it can. */
export function whyNotServed({ needs }: WorkerPeer, advertised: string): string | undefined {
  const [major = 0, minor = 0] = advertised.split(".").map(Number);
  const [neededMajor = 0, neededMinor = 0] = needs.split(".").map(Number);
  if (major === neededMajor && minor >= neededMinor) return undefined;
  return `the engine advertises worker protocol ${advertised}, and the peer wants ${needs}`;
}
