import { expect } from "vitest";
import type { EngineUnderTest } from "./engine.js";
import { LinePeer } from "./line-peer.js";
import type { Notation } from "./notation.js";
import type { PeerCommand } from "./peers.js";
import { PythonClient } from "./python-client.js";
import { VALUES } from "./values.js";

/** Retries at once, and so often. */
function policy(max_attempts: number) {
  return { retry_policy: { max_attempts, backoff_seconds: [0] } };
}

/** A worker of the interop activities on a queue of its own, and a client that starts them. */
export class WorkerUnderTest {
  readonly worker: LinePeer;
  readonly client: PythonClient;
  readonly #queue: string;
  #count = 0;

  constructor(engine: EngineUnderTest, queue: string, worker: PeerCommand) {
    this.worker = new LinePeer(worker);
    this.client = new PythonClient("2.12.0", engine.url);
    this.#queue = queue;
  }

  /** Starts an activity and returns its id. */
  async start(activity_type: string, input: readonly Notation[] = [], more: object = {}): Promise<string> {
    const activity_id = `${this.#queue}-${this.#count++}`;
    await this.client.start({ activity_id, activity_type, task_queue: this.#queue, input, ...more });
    return activity_id;
  }

  async close(): Promise<void> {
    await this.client.stop();
    this.worker.kill();
  }

  async handsValuesOn(): Promise<void> {
    const started = await Promise.all(VALUES.map(async ([, notation]) => this.start("interop.echo", [notation])));
    const results = await Promise.all(started.map(async (id) => this.client.result(id)));
    expect(results).toEqual(VALUES.map(([, notation]) => notation));
    const all = VALUES.map(([, notation]) => notation);
    expect(await this.client.result(await this.start("interop.arguments", all))).toEqual({ a: all });
    expect(await this.client.result(await this.start("interop.arguments"))).toEqual({ a: [] });
  }

  async retriesWhatFails(): Promise<void> {
    const third = await this.start("interop.fail-until", [{ l: "3" }], policy(3));
    expect(await this.client.result(third)).toEqual({ l: "3" });
    expect(await this.client.describe(third)).toMatchObject({ status: "completed", attempt_count: 3 });
    const never = await this.start("interop.fail-until", [{ l: "3" }], policy(2));
    expect((await this.client.failure(never)).type).toBe("WorkflowFailed");
    expect(await this.client.describe(never)).toMatchObject({ status: "failed", attempt_count: 2 });
  }

  async doesNotRetryWhatIsFinal(): Promise<void> {
    const id = await this.start("interop.fail-for-good", [], policy(3));
    expect((await this.client.failure(id)).type).toBe("WorkflowFailed");
    expect(await this.client.describe(id)).toMatchObject({ status: "failed", attempt_count: 1 });
    const { workflow_run_id } = await this.client.describe(id);
    const history = JSON.stringify(await this.client.call("history", { activity_id: id, run_id: workflow_run_id }));
    expect(history).toContain("CardDeclined");
    expect(history).toContain("the card was declined");
  }

  /** Asks it to stop: it ends with 0, says so, and is registered no more. */
  async stopsCleanly(engine: EngineUnderTest): Promise<void> {
    // Until then it logs what its activities raised.
    const before = this.worker.errors.length;
    const code = await this.worker.stop();
    expect([code, this.worker.lines.at(-1)?.["event"]], this.worker.errors.slice(-2000)).toEqual([0, "stopped"]);
    expect(this.worker.errors.slice(before)).not.toMatch(/Traceback|panicked/);
    expect(await engine.workersOf(this.#queue)).toEqual([]);
  }
}
