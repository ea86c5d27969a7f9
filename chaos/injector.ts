import { realNow } from "./real-time.js";
import type { Fault } from "./schedule.js";
import type { World } from "./world.js";

/** A fault as it was done, in real time. */
export interface DoneFault extends Fault {
  readonly from: number;
  to: number;
}

/** Does the faults of a schedule to a world, each at its time. */
export class Injector {
  readonly done: DoneFault[] = [];
  /** Why a fault could not be done, by its kind. */
  readonly missing = new Map<string, string>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  start(schedule: readonly Fault[]): void {
    if (this.world.disk.missing !== undefined) this.missing.set("full_disk", this.world.disk.missing);
    for (const fault of schedule) this.after(fault.atMs, () => this.begin(fault));
  }

  /** Does no more, and undoes what is done. */
  end(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.world.heal();
    for (const part of this.world.parts.values()) if (part.life?.end !== "ended") part.start();
    const now = realNow();
    for (const fault of this.done) fault.to = Math.min(fault.to, now);
  }

  private begin(fault: Fault): void {
    if (this.missing.has(fault.kind)) return;
    const undo = this.act(fault);
    if (undo === undefined) return;
    const done: DoneFault = { ...fault, from: realNow(), to: Number.POSITIVE_INFINITY };
    this.done.push(done);
    this.after(fault.forMs, () => {
      undo();
      done.to = realNow();
    });
  }

  /** @returns what undoes it; undefined where there was nothing to do it to */
  private act({ kind, target, amount }: Fault): (() => void) | undefined {
    const { world } = this;
    switch (kind) {
      case "kill": {
        const part = world.part(target);
        if (part.pid === undefined) return undefined;
        part.kill();
        return () => {
          // The client may have come to its end meanwhile.
          if (part.life?.end === "killed") part.start();
        };
      }
      case "freeze": {
        const part = world.part(target);
        if (part.pid === undefined) return undefined;
        part.freeze();
        return () => part.thaw();
      }
      case "clock": {
        const part = world.part(target);
        part.step(amount);
        return () => part.step(0);
      }
      case "harm": {
        const edge = world.edge(target);
        edge.harm(amount);
        return () => edge.heal();
      }
      case "sever": {
        const edge = world.edge(target);
        edge.sever(true);
        return () => edge.sever(false);
      }
      case "full_disk":
        world.disk.fill();
        return () => world.disk.empty();
    }
  }

  private after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      action();
    }, ms);
    this.timers.add(timer);
  }
}
