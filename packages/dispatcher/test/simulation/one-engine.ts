import { createLocalEngine, type LocalEngine } from "@durable-workflow/local-engine";
import { verbOf } from "@durable-workflow/test-support/engine-calls";
import { seededRandom } from "@durable-workflow/test-support/fault-proxy";
import { sharedCarriers } from "@durable-workflow/test-support/shared-carriers";
import type { Dispatcher as UndiciDispatcher } from "undici";
import { createDispatcher, type Dispatcher } from "../../src/index.js";
import type { BoundedRequest } from "../../src/net/bounded-request.js";
import { CallOff } from "../../src/time/call-off.js";
import { RESULT_TYPE, resultOf } from "./fleet.js";
import { VirtualTime } from "./virtual-time.js";

const ENGINE = "http://127.0.0.1:1";
const TYPES = ["one", "two", "three", "four"];
/** A request to the engine, there and back. */
const LATENCY_MS = 2;
const TASK_MS = 1;
const CONTROL = { "x-durable-workflow-control-plane-version": "2" };

export interface OneEngineOptions {
  readonly dispatchers: number;
  /** Each has its share of the activity types. */
  readonly carriers: number;
}

/** The local engine itself, and dispatchers by it, in virtual time: what they ask of it for a task depends on nothing else. */
export class OneEngine {
  readonly time = new VirtualTime(Date.UTC(2999, 5, 1, 12), 8);
  /** What dispatchers have asked of the engine, by verb. */
  readonly asked = new Map<string, number>();
  /** The tasks that its polls have asked for, and kept slots for, together. */
  slotsAsked = 0;
  private readonly options: OneEngineOptions;
  private readonly engine: LocalEngine;
  private readonly dispatchers: Dispatcher[] = [];
  private readonly random = seededRandom(29_990_601);
  private tasks = 0;

  constructor(options: OneEngineOptions) {
    this.options = options;
    this.engine = createLocalEngine({ file: ":memory:", clock: this.time });
  }

  /** What `createAgent` is to give. */
  readonly agent = {
    dispatch: ({ origin, path, method, headers, body }: UndiciDispatcher.DispatchOptions, handler: BoundedRequest) => {
      const gone = new CallOff();
      handler.onConnect(() => gone.abort(undefined));
      const text = typeof body === "string" ? body : Buffer.from((body ?? "") as Uint8Array).toString("utf8");
      const answering =
        String(origin) === ENGINE ? this.ask(method, path, named(headers as string[]), text, gone) : this.carry(text);
      answering.then(
        (answer) => {
          handler.onHeaders(answer.status, [Buffer.from("content-type"), Buffer.from(answer.type)], () => undefined);
          handler.onData(Buffer.from(answer.body));
          handler.onComplete();
        },
        (error: Error) => handler.onError(error),
      );
      return true;
    },
    close: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  };

  async start(): Promise<void> {
    const { dispatchers, carriers } = this.options;
    const urls = Array.from({ length: carriers }, (_, index) => `http://127.0.0.1:${index + 2}/`);
    const config = sharedCarriers(urls, TYPES);
    for (let index = 0; index < dispatchers; index++) {
      const dispatcher = createDispatcher({
        environment: {},
        profilesPath: "/nowhere/profiles.json",
        connection: { serverUrl: ENGINE },
        config,
        configCheckMs: 0,
        clock: this.time,
        workerId: `d${index}`,
      });
      this.dispatchers.push(dispatcher);
      await dispatcher.start();
    }
    await this.time.until(5_000);
  }

  /** Calls so many tasks, so many at once, each waited for. Resolves once all have completed. */
  async call(tasks: number, atOnce: number): Promise<void> {
    const until = this.tasks + tasks;
    const lanes = Array.from({ length: atOnce }, async () => {
      while (this.tasks < until) await this.callOne(this.tasks++);
    });
    const over = new AbortController();
    const done = Promise.all(lanes).finally(() => over.abort());
    while (!over.signal.aborted) await this.time.until(this.time.monotonic() + 1);
    await done;
  }

  async stop(): Promise<void> {
    const ended = Promise.all(this.dispatchers.map((dispatcher) => dispatcher.drain()));
    await this.time.until(this.time.monotonic() + 60_000);
    await ended;
    await this.engine.close();
  }

  private async callOne(index: number): Promise<void> {
    const start = JSON.stringify({ activity_type: TYPES[index % TYPES.length], task_queue: "default", input: [index] });
    const { activity_id: id } = await this.control("POST", "/api/activities", start);
    const { status } = await this.control("GET", `/api/activities/${String(id)}?wait=60`);
    if (status !== "completed") throw new Error(`a task ended as ${String(status)}`);
  }

  private async control(method: string, path: string, body?: string): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.engine.answer({
      method,
      path,
      headers: { ...CONTROL, "content-type": "application/json" },
      body,
    });
    await this.pass(LATENCY_MS);
    return JSON.parse(String(answer.body)) as Readonly<Record<string, unknown>>;
  }

  private async ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    gone: CallOff,
  ): Promise<Answer> {
    const verb = verbOf(method, path);
    this.asked.set(verb, (this.asked.get(verb) ?? 0) + 1);
    await this.pass(LATENCY_MS / 2);
    const onDisconnect = (callback: () => void): void => gone.addEventListener("abort", callback);
    const broken = new Promise<never>((_, reject) => {
      gone.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
    const answer = await Promise.race([this.engine.answer({ method, path, headers, body, onDisconnect }), broken]);
    if (verb === "poll") this.slotsAsked += (JSON.parse(body) as { readonly max_tasks?: number }).max_tasks ?? 1;
    await this.pass(LATENCY_MS / 2);
    return { status: answer.status, body: String(answer.body), type: "application/json" };
  }

  private async carry(body: string): Promise<Answer> {
    await this.pass(TASK_MS);
    const { task } = JSON.parse(body) as { readonly task: Readonly<Record<string, unknown>> };
    return { status: 200, body: JSON.stringify(resultOf(task)), type: RESULT_TYPE };
  }

  private pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // No two take the same time: those who ask together do not stay together.
      this.time.scheduleExactly(ms * (0.5 + this.random()), resolve);
    });
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

function named(list: readonly string[]): Readonly<Record<string, string>> {
  const pairs: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) pairs[list[at]?.toLowerCase() ?? ""] = list[at + 1] ?? "";
  return pairs;
}
