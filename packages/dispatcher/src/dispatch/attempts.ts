import { type Routing, routingFor } from "../delivery/deliverer.js";
import type { EventStream } from "../events/events.js";
import type { Secrets } from "../net/secrets.js";
import { AttemptRun } from "./attempt-run.js";
import type { Leased } from "./lane-deps.js";
import type { Machinery } from "./machinery.js";
import { taskFacts } from "./task-facts.js";
import type { WorkSettings } from "./work-settings.js";

export interface AttemptsOptions {
  readonly settings: Pick<WorkSettings, "clock" | "responseLimitBytes">;
  readonly machinery: Machinery;
  readonly events: EventStream;
  readonly secrets: Secrets;
  /** What tasks go by now. */
  readonly routing: () => Routing;
  /** Told when a run has left its carrier's circuit breaker open. */
  readonly onDeadCarrier: (group: string) => void;
}

interface Running {
  /** Undefined once it has ended: a Map that many pass through keeps what it had until the whole heap is collected. */
  run: AttemptRun | undefined;
  done: Promise<void>;
}

/** The attempts that are in flight: each runs once, however often the engine hands it out. */
export class Attempts {
  private readonly options: AttemptsOptions;
  private readonly running = new Map<string, Running>();
  private givenUp = false;
  private abandoned = 0;

  constructor(options: AttemptsOptions) {
    this.options = options;
  }

  get count(): number {
    return this.running.size;
  }

  /** How many were left to their leases: nothing was reported of them. */
  get left(): number {
    return this.abandoned;
  }

  /** Runs a leased task to its end. */
  async run({ task, grant, plan, asPolled, isRegistered, turn }: Leased): Promise<void> {
    const { settings, machinery, events, secrets, onDeadCarrier } = this.options;
    const { client, watch, payloads } = machinery;
    const routing = routingFor(task, this.options.routing(), asPolled);
    // Leased by a poll that could not be recalled: too late to begin with it.
    if (this.givenUp) return;
    // A poll that was repeated may be answered twice with the same attempt.
    if (this.running.has(task.attemptId)) {
      events.emit({ type: "task_repeated", task: taskFacts(task) });
      return;
    }
    const breaker = watch.breaker(plan.group);
    const run = new AttemptRun(task, {
      client,
      clock: settings.clock,
      events,
      secrets,
      routing,
      payloads,
      responseLimitBytes: settings.responseLimitBytes,
      breaker,
      grant,
      isRegistered,
      turn,
      // Whoever leases on for a carrier that is down holds more and more tasks.
      onUnreached: () => {
        breaker.failed();
        if (breaker.state === "open") onDeadCarrier(plan.group);
      },
      onCarrier: (carrier) => {
        if (plan.carrier === null) watch.locate(plan.group, carrier);
      },
    });
    const running: Running = { run, done: Promise.resolve() };
    this.running.set(task.attemptId, running);
    running.done = run.run().then((end) => {
      this.running.delete(task.attemptId);
      running.run = undefined;
      if (end === "abandoned") this.abandoned++;
      if (breaker.state === "open") onDeadCarrier(plan.group);
    });
    await running.done;
  }

  /** Calls off what is in flight, and begins with nothing more. */
  giveUp(): void {
    this.givenUp = true;
    for (const { run } of this.running.values()) run?.abandon();
  }

  /** Resolves when those that are in flight now have ended. */
  async untilEnded(): Promise<void> {
    await Promise.all(Array.from(this.running.values(), ({ done }) => done));
  }
}
