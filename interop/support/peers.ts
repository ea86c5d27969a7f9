import { fileURLToPath } from "node:url";
import { describe, inject } from "vitest";
import type { PeerProgram, PythonVersion } from "./prepare-peers.js";

const { python, rust } = inject("peers");

/** How a peer is started: a program with its arguments. */
export interface PeerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A script of `interop/python`, run by a version of the SDK. */
export function pythonPeer(version: PythonVersion, script: string, ...args: readonly string[]): PeerCommand {
  const path = fileURLToPath(new URL(`../python/${script}.py`, import.meta.url));
  return { program: pathOf(python[version]), args: ["-B", path, ...args] };
}

/** The Rust peer; its memory is limited, as a length that a hostile frame states may be taken at its word. */
export function rustPeer(...args: readonly string[]): PeerCommand {
  const limited = 'ulimit -v "$1" && shift && exec "$@"';
  return { program: "sh", args: ["-c", limited, "sh", String(RUST_MEMORY_KIB), pathOf(rust), ...args] };
}

const RUST_MEMORY_KIB = 2 * 1024 * 1024;

function pathOf(peer: PeerProgram): string {
  if (peer.missing !== undefined) throw new Error(peer.missing);
  return peer.path;
}

export const whyNoRust = rust.missing;

/** Why a version of the Python SDK is not there. */
export function whyNoPython(version: PythonVersion): string | undefined {
  return python[version].missing;
}

/** A suite that is left out where its peer or its engine is not there: every test of it is skipped, with the reason. */
export function describeUnless(leftOut: string | undefined, title: string, suite: () => void): void {
  if (leftOut === undefined) describe(title, suite);
  else describe.skip(`${title} (left out: ${leftOut})`, suite);
}
