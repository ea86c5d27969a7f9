import { PLAIN_START, PLAIN_WORKER } from "@durable-workflow/test-support/store-records";
import type { EngineContext } from "../../src/service/context.js";
import type { LeaseOut, PollRequest } from "../../src/service/leases.js";
import { type PollOutcome, Polls } from "../../src/service/polls.js";
import { registerWorker } from "../../src/service/registrations.js";
import { completeTask } from "../../src/service/reports.js";
import { startActivity } from "../../src/service/starts.js";
import { bareEngine, FullDisk } from "./bare-engine.js";
import { FakeClock } from "./fake-clock.js";

/** What each worker takes. */
const TYPES = { w0: ["t"], w1: ["u"], w2: ["t", "u"] } as const;
export type WorkerName = keyof typeof TYPES;
export const WORKERS = Object.keys(TYPES) as readonly WorkerName[];
const LONG_MS = 1_000_000;
/** How long after a poll has ended its first request may still come, unless it has a number: less than engines remember. */
const OVERTAKEN_MS = 9_000;
/** And how long after its repeat, which says how many there were before. */
const OVERTAKEN_BY_NUMBER_MS = 590_000;

/** A poll as its client sees it: each request of an id is one of the same poll. */
interface Asked {
  readonly name: string;
  readonly request: PollRequest;
  readonly atMs: number;
  /** Its client waits for this request's answer. */
  isHeard: boolean;
  gone: () => void;
  ended: { readonly atMs: number } | undefined;
}

/** What a poll asks for. */
export interface Asking {
  readonly maxTasks: number;
  readonly hasId: boolean;
  /** Its client goes before the engine has looked for a task. */
  readonly goes?: boolean;
  /** How long it is held. Default: longer than any test lasts. */
  readonly holdMs?: number;
}

/** Polls over a store whose commits can fail, and what their clients hear. */
export class PollMachine {
  readonly polls: Polls;
  readonly disk: FullDisk;
  readonly clock = new FakeClock();
  private readonly context: EngineContext;
  private readonly asked: Asked[] = [];
  /** Which polls were told of each run that is leased. */
  private readonly toldOf = new Map<number, { readonly lease: LeaseOut; readonly names: Set<string> }>();
  private names = 0;

  /** @param mostRemembered of each kind of row. Default: as many as ever */
  constructor(maxBatch: number, mostRemembered?: number) {
    this.context = bareEngine({ clock: this.clock, maxBatch, mostRemembered });
    this.polls = new Polls(this.context, { maxWaitingPolls: 100, longPollSeconds: 30 });
    this.disk = new FullDisk(this.context.store);
  }

  async register(): Promise<void> {
    for (const workerId of WORKERS) {
      const request = { ...PLAIN_WORKER, workerId, activityTypes: TYPES[workerId] };
      await this.context.store.transact(() => registerWorker(this.context, request));
    }
  }

  start(activityType: string, input: string | null = null): void {
    const request = { ...PLAIN_START, activityType, activityId: `a${this.names++}`, input };
    this.context.store.transact(() => startActivity(this.context, request)).catch(() => undefined);
  }

  /** Something beside it fails, which undoes the transaction once. */
  fail(): void {
    const thrown = this.context.store.transact(() => {
      throw new Error("of its own");
    });
    thrown.catch(() => undefined);
  }

  poll(workerId: WorkerName, { maxTasks, hasId, goes = false, holdMs = LONG_MS }: Asking): void {
    const worker = this.context.store.workers.get("default", workerId);
    if (worker === undefined) throw new Error("not registered");
    const name = `p${this.names++}`;
    const asked = this.ask(name, { worker, pollRequestId: hasId ? name : null, maxTasks }, holdMs, !goes);
    if (goes) asked.gone();
  }

  /** The client of a poll that is held gives its request up, and asks at once what the engine has leased through it. */
  recall(which: number): void {
    const held = this.asked.filter(({ isHeard, ended, request }) => {
      return isHeard && ended === undefined && request.pollRequestId !== null;
    });
    const first = held[which % held.length];
    if (first === undefined) return;
    first.isHeard = false;
    first.gone();
    const { request } = first;
    this.ask(first.name, { ...request, repeat: (request.repeat ?? 0) + 1 }, 0, true);
  }

  /** A request comes that was given up before, and repeated since: nobody waits for its answer. */
  comeLate(which: number): void {
    const now = this.clock.now();
    const late = this.asked.filter(({ isHeard, ended, request }) => {
      return isHeard && ended !== undefined && ended.atMs + OVERTAKEN_MS > now && request.pollRequestId !== null;
    });
    const lateByNumber = this.asked.filter(({ name, request }) => {
      return this.asked.some((other) => {
        const isRepeat = other.name === name && (other.request.repeat ?? 0) > (request.repeat ?? 0);
        return isRepeat && other.atMs + OVERTAKEN_BY_NUMBER_MS > now;
      });
    });
    const over = [...late, ...lateByNumber];
    const repeated = over[which % over.length];
    if (repeated !== undefined) this.ask(repeated.name, repeated.request, LONG_MS, false);
  }

  private ask(name: string, request: PollRequest, timeoutMs: number, isHeard: boolean): Asked {
    const asked: Asked = { name, request, atMs: this.clock.now(), isHeard, gone: () => undefined, ended: undefined };
    this.asked.push(asked);
    const polled = this.polls.poll(request, timeoutMs, (gone) => {
      asked.gone = gone;
    });
    const end = (outcome?: PollOutcome): void => {
      asked.ended = { atMs: this.clock.now() };
      // What came to nothing may be asked for anew by the same name.
      if (outcome === undefined) asked.isHeard = false;
      if (asked.isHeard && outcome?.kind === "leased") this.hear(name, [outcome.first, ...outcome.others]);
    };
    polled.then(end, () => end());
    return asked;
  }

  private hear(name: string, leases: readonly LeaseOut[]): void {
    for (const lease of leases) {
      const told = this.toldOf.get(lease.run.key) ?? { lease, names: new Set() };
      this.toldOf.set(lease.run.key, told);
      told.names.add(name);
    }
  }

  /** Clients do all that they were told of. */
  complete(): void {
    for (const [key, { lease }] of this.toldOf) {
      const { namespace, state } = lease.run;
      const leaseOwner = state.task.leaseOwner ?? "";
      const claimant = { namespace, taskId: state.task.id, attemptId: lease.attemptId, leaseOwner };
      this.context.store
        .transact(() => completeTask(this.context, claimant, "AA=="))
        .then(
          () => this.toldOf.delete(key),
          () => undefined,
        );
    }
  }

  /** All that was begun is over, or waits. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 24; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.disk.refusals = 0;
    this.disk.spared = 0;
    for (let turn = 0; turn < 24; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** The runs that are leased out, each as often as a poll should have been told of it. */
  get leased(): ReadonlyMap<number, number> {
    const { leases } = this.context.store;
    return new Map(WORKERS.flatMap((name) => leases.heldBy("default", name).map((key) => [key, 1] as const)));
  }

  /** How many polls were told of each run that is not done. */
  get told(): ReadonlyMap<number, number> {
    return new Map([...this.toldOf].map(([key, { names }]) => [key, names.size]));
  }

  /** Tasks that somebody waits for who was not woken. */
  get left(): readonly number[] {
    const { ready } = this.context.store;
    const now = this.context.now();
    const waiting = this.asked.filter(({ ended }) => ended === undefined);
    return waiting.flatMap(({ request }) => ready.firstRun("default", "q", request.worker.activityTypes, now) ?? []);
  }

  close(): void {
    this.polls.stop();
    this.context.store.close();
  }
}
