import type { Routing } from "../delivery/deliverer.js";
import type { PolledTask } from "../engine/polls.js";
import type { LaneFacts } from "../events/events.js";
import type { LaneState } from "../events/states.js";
import { CallOff, type StopSignal } from "../time/call-off.js";
import { pause } from "../time/clock.js";
import type { CarrierBreaker } from "./breaker.js";
import { EngineBackoff } from "./engine-backoff.js";
import type { LaneDeps, Leased } from "./lane-deps.js";
import type { LanePlan } from "./lane-plan.js";
import { LanePolls, type PolledLane } from "./lane-polls.js";
import { Registration } from "./registration.js";
import { SchemaTeller } from "./schema-teller.js";
import type { Release } from "./slots.js";

/** How long an engine is asked to end a registration. */
const GOODBYE_MS = 3_000;
/** How long the answers of held polls may be on their way, at a gateway's leisure, once their registration has ended. */
const HELD_POLL_ENDS_MS = 5_000;
/** One registration with the engine: polls for as many tasks as there are free slots, and has each of them run. */
export class Lane {
  private name: string;
  private plan: LanePlan;
  private readonly deps: LaneDeps;
  private readonly stopping = new CallOff();
  private readonly polls: LanePolls;
  private readonly tasks = new Set<Promise<void>>();
  private readonly backoff: EngineBackoff;
  private readonly registration: Registration;
  private readonly schemas: SchemaTeller;
  private current: LaneState = "starting";
  private readonly registeredTypes: Set<string>;

  constructor(plan: LanePlan, workerId: string, deps: LaneDeps) {
    this.plan = plan;
    this.registeredTypes = new Set(plan.activityTypes);
    this.name = workerId;
    this.deps = deps;
    const { client, clock, events, buildId, slotsAdvertised } = deps;
    const signal = this.stopping;
    this.backoff = new EngineBackoff({ clock, events, signal, onWait: () => this.enter("waiting") });
    this.registration = new Registration({
      client,
      clock,
      signal,
      events,
      backoff: this.backoff,
      buildId,
      slots: slotsAdvertised,
      lane: () => this.facts,
      activityTypes: () => this.plan.activityTypes,
      heartbeatMs: deps.heartbeatMs,
      hasTasks: () => this.tasks.size > 0,
      onHeard: () => this.schemas.tell(),
      rename: (reason) => this.rename(reason),
    });
    this.schemas = new SchemaTeller({
      client,
      clock,
      signal,
      plan: () => this.plan,
      epoch: () => this.registration.epoch,
      inputSchemas: deps.inputSchemas,
    });
    this.polls = new LanePolls(this.polled());
  }

  private polled(): PolledLane {
    const read = { facts: () => this.facts, group: () => this.group, state: () => this.current };
    const { deps, registration, backoff } = this;
    return {
      deps,
      registration,
      backoff,
      stopping: this.stopping,
      get facts() {
        return read.facts();
      },
      get group() {
        return read.group();
      },
      get state() {
        return read.state();
      },
      enter: (state) => this.enter(state),
      run: (polled, asPolled, release, onTrial) => this.runTask(this.run(polled, asPolled), release, onTrial),
      runLater: (polled, asPolled) => this.runInTurn(polled, asPolled),
    };
  }

  /** What its limits and its circuit breaker are kept for. */
  get group(): string {
    return this.plan.group;
  }

  get facts(): LaneFacts {
    const { namespace, taskQueue, carrier } = this.plan;
    return { namespace, taskQueue, carrier, workerId: this.name };
  }

  private rename(reason: string): void {
    const previousId = this.name;
    this.name = this.deps.nextWorkerId();
    this.deps.events.emit({ type: "worker_renamed", lane: this.facts, previousId, reason });
  }

  start(): void {
    this.deps.events.emit({ type: "lane_state", lane: this.facts, state: this.current });
    this.polls.add();
  }

  private enter(state: LaneState): void {
    if (state === this.current || this.current === "stopped") return;
    this.current = state;
    this.deps.events.emit({ type: "lane_state", lane: this.facts, state });
  }

  /** Whether a plan of the same key is for other activity types. */
  differs(plan: LanePlan): boolean {
    return JSON.stringify(plan.activityTypes) !== JSON.stringify(this.plan.activityTypes);
  }

  /**
   * Takes on a changed plan of the same key: the engine is told at once, and polled with it. Polls that are held go on as
   * they began: one that is recalled may have a task by then that nobody would hear of.
   */
  update(plan: LanePlan): void {
    if (!this.differs(plan)) {
      // Whoever runs them may say something else of them.
      this.schemas.tell();
      return;
    }
    this.plan = plan;
    for (const type of plan.activityTypes) this.registeredTypes.add(type);
    this.registration.outdate();
    this.polls.add();
  }

  /** Ends held polls, so that nothing is leased through them: where the engine can be asked what it had leased already. */
  recallPolls(): void {
    if (!this.deps.client.repeatsPolls) return;
    this.polls.recall();
  }

  /** Ends the held polls beyond the first: as {@link recallPolls}. */
  recallSparePolls(): void {
    if (!this.deps.client.repeatsPolls) return;
    this.polls.recallSpare();
  }

  /**
   * Resolves when nothing is polled for any more. Tasks that were leased go on. Where registrations end by their tokens, this
   * one ends first: the engine leases nothing to it from then on, and held polls come back by themselves. None is recalled
   * before its answer had time to come: engines other than the local one tell nothing to those who ask again after the end.
   * Where an answer was lost before the end, or is while the engine does not take it, the end comes last.
   */
  async stopPolling(): Promise<void> {
    this.stopping.abort(undefined);
    const areRepeated = (): boolean => this.polls.areRepeated;
    if (this.registration.isFenced && !areRepeated() && (await this.registration.end(GOODBYE_MS, areRepeated))) {
      const ended = new AbortController();
      void this.polls.untilEnded().then(() => ended.abort());
      await pause(this.deps.clock, HELD_POLL_ENDS_MS, ended.signal);
    }
    this.recallPolls();
    await this.polls.untilEnded();
    this.enter("stopped");
  }

  /** Resolves when the tasks it has leased have ended. */
  async untilIdle(): Promise<void> {
    await Promise.all(this.tasks);
  }

  async deregister(): Promise<void> {
    await this.registration.end(GOODBYE_MS);
  }

  private run({ task, grant }: PolledTask, asPolled: Routing, turn?: Leased["turn"]): Promise<void> {
    const isRegistered = this.registeredTypes.has(task.activityType);
    return this.deps.run({ task, grant, plan: this.plan, asPolled, isRegistered, turn });
  }

  /** Keeps the lease, and runs the task once there is a slot: those who poll get none before it. */
  private runInTurn(polled: PolledTask, asPolled: Routing): void {
    const { slots, onWaiting } = this.deps;
    let release: Release | undefined;
    const turn = async (signal: StopSignal): Promise<void> => {
      const granted = slots.acquire(this.group, signal);
      onWaiting();
      release = await granted;
    };
    this.runTask(this.run(polled, asPolled, turn), () => release?.(), undefined);
  }

  private runTask(running: Promise<void>, release: Release, onTrial: CarrierBreaker | undefined): void {
    const run: Promise<void> = running.finally(() => {
      this.tasks.delete(run);
      release();
      // Does nothing when the outcome has settled the matter.
      onTrial?.returnTrial();
    });
    this.tasks.add(run);
  }
}
