import { LinePeer } from "./line-peer.js";
import { type Notation, normalised } from "./notation.js";
import { pythonPeer } from "./peers.js";
import type { PythonVersion } from "./prepare-peers.js";

/** What the Python SDK raised: the name of its class, its message, and the HTTP status where it has one. */
export class PythonError extends Error {
  override readonly name = "PythonError";
  readonly type: string;
  readonly status: number | null;

  constructor({ type, message, status }: { type: string; message: string; status: number | null }) {
    super(`${type}: ${message}`);
    this.type = type;
    this.status = status;
  }
}

export interface StartOptions {
  readonly activity_id?: string;
  readonly activity_type: string;
  readonly task_queue: string;
  readonly input?: readonly Notation[];
  readonly [option: string]: unknown;
}

export interface Roundtrip {
  readonly same: readonly boolean[];
  readonly doubled: readonly boolean[];
  /** Bytes, or items; a result that has neither, itself. */
  readonly size: number;
}

/** The client of a version of the Python SDK, in a process of its own. */
export class PythonClient {
  readonly #peer: LinePeer;
  #calls = 0;

  constructor(version: PythonVersion, url: string, env: Readonly<Record<string, string>> = {}) {
    this.#peer = new LinePeer({ ...pythonPeer(version, "client", url), env });
  }

  /** @throws {PythonError} for what the SDK raised */
  async call(what: string, options: object = {}, waitMs?: number): Promise<unknown> {
    const id = this.#calls++;
    this.#peer.send({ ...options, id, do: what });
    const { error, value } = await this.#peer.line((line) => line["id"] === id, `an answer to ${what}`, waitMs);
    if (error !== undefined) throw new PythonError(error);
    return value;
  }

  /**
   * Starts an activity with bytes of these sizes as its arguments, and tells what its result is: which of them it is, which of
   * them twice, and its size.
   */
  async roundtrip(sizes: readonly number[], options: StartOptions): Promise<Roundtrip> {
    return (await this.call("roundtrip", { ...options, sizes }, 110_000)) as Roundtrip;
  }

  async start(options: StartOptions): Promise<{ readonly activity_id: string; readonly run_id: string }> {
    return (await this.call("start", options)) as { activity_id: string; run_id: string };
  }

  async describe(activity_id: string): Promise<Readonly<Record<string, unknown>>> {
    return (await this.call("describe", { activity_id })) as Record<string, unknown>;
  }

  async result(activity_id: string): Promise<Notation> {
    return normalised((await this.call("result", { activity_id })) as Notation);
  }

  /** What `result` raised; an error where it raised nothing. */
  async failure(activity_id: string): Promise<PythonError> {
    return raised(this.result(activity_id));
  }

  async stop(): Promise<number | null> {
    return this.#peer.stop();
  }
}

/** The error of the SDK that a call ended with. */
export async function raised(call: Promise<unknown>): Promise<PythonError> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );
  if (outcome instanceof PythonError) return outcome;
  throw new Error(`the SDK raised nothing: ${JSON.stringify(outcome)}`);
}
