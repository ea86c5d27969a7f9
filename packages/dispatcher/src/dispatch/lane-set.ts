import type { EventStream } from "../events/events.js";
import { Lane } from "./lane.js";
import type { LaneDeps } from "./lane-deps.js";
import { type LanePlan, laneWorkerId } from "./lane-plan.js";

export interface LaneSetOptions {
  readonly workerId: string;
  readonly events: EventStream;
  readonly deps: (plan: LanePlan) => Omit<LaneDeps, "onWaiting" | "nextWorkerId">;
  /** Whether registering anew under the same name takes all leases of that name away. */
  readonly freesLeases: () => boolean;
}

/** The registrations that a dispatcher holds, as its config wants them. */
export class LaneSet {
  private readonly options: LaneSetOptions;
  private readonly lanes = new Map<string, Lane>();
  /** Those that a new config has no use for, until their tasks have ended. */
  private readonly retiring = new Set<Promise<void>>();
  /** How many lanes each key has had: a name is never used twice. */
  private readonly generations = new Map<string, number>();

  constructor(options: LaneSetOptions) {
    this.options = options;
  }

  /** Starts those that are new, changes those that stay, retires the rest. */
  arrange(plans: readonly LanePlan[]): void {
    const wanted = new Set(plans.map(({ key }) => key));
    for (const [key, lane] of this.lanes) {
      if (!wanted.has(key)) this.retire(key, lane);
    }
    for (const plan of plans) {
      const lane = this.lanes.get(plan.key);
      if (lane !== undefined && !(this.options.freesLeases() && lane.differs(plan))) lane.update(plan);
      else {
        // What is in flight under the old name ends under it.
        if (lane !== undefined) this.retire(plan.key, lane);
        this.add(plan);
      }
    }
  }

  private add(plan: LanePlan): void {
    const lane: Lane = new Lane(plan, this.nextWorkerId(plan), {
      ...this.options.deps(plan),
      nextWorkerId: () => this.nextWorkerId(plan),
      onWaiting: () => this.freeSlots(lane),
    });
    this.lanes.set(plan.key, lane);
    lane.start();
  }

  private nextWorkerId(plan: LanePlan): string {
    const generation = (this.generations.get(plan.key) ?? 0) + 1;
    this.generations.set(plan.key, generation);
    const name = laneWorkerId(this.options.workerId, plan);
    return generation === 1 ? name : `${name}-${generation}`;
  }

  private retire(key: string, lane: Lane): void {
    this.lanes.delete(key);
    const gone: Promise<void> = this.endLane(lane).finally(() => {
      this.retiring.delete(gone);
    });
    this.retiring.add(gone);
  }

  private async endLane(lane: Lane): Promise<void> {
    await lane.stopPolling();
    await lane.untilIdle();
    await lane.deregister();
    this.options.events.emit({ type: "lane_retired", lane: lane.facts });
  }

  /** Polls that are held without need are recalled, so that their slots go round: where nothing comes, a lane needs one. */
  private freeSlots(waiting: Lane): void {
    for (const lane of this.lanes.values()) {
      if (lane === waiting) continue;
      if (lane.group === waiting.group) lane.recallPolls();
      else lane.recallSparePolls();
    }
  }

  /** Polls that are held for a carrier that has turned out dead are recalled. */
  recallPolls(group: string): void {
    for (const lane of this.lanes.values()) {
      if (lane.group === group) lane.recallPolls();
    }
  }

  /** Resolves when nothing is polled for any more. */
  async stopPolling(): Promise<void> {
    await Promise.all([...Array.from(this.lanes.values(), (lane) => lane.stopPolling()), ...this.retiring]);
  }

  async deregister(): Promise<void> {
    await Promise.all(Array.from(this.lanes.values(), (lane) => lane.deregister()));
  }
}
