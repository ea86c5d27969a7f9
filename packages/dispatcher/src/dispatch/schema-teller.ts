import type { JsonObject } from "@durable-workflow/carrier/protocol";
import type { Deliverer } from "../delivery/deliverer.js";
import type { EngineClient } from "../engine/client.js";
import { CallOff, type StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";
import type { LanePlan } from "./lane-plan.js";

/** How long whoever runs the activities is asked. */
const PATIENCE_MS = 5_000;
/** Characters of all schemas that are told at once. */
const MOST_CHARACTERS = 1_048_576;

export interface SchemaTellerOptions {
  readonly client: Pick<EngineClient, "keepsInputSchemas" | "tellInputSchemas">;
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: StopSignal;
  readonly plan: () => LanePlan;
  /** Which registration it is: another one is told anew. */
  readonly epoch: () => number;
  /** Whoever runs the activities is asked. May reject. */
  readonly inputSchemas: NonNullable<Deliverer["inputSchemas"]>;
}

/**
 * Tells an engine that wants to know it (the local engine) what the arguments of a lane's activities look like, as far as whoever
 * runs them says so: those who look at the engine are shown it. Nothing of a task depends on it, and what fails is tried again the
 * next time.
 */
export class SchemaTeller {
  private readonly options: SchemaTellerOptions;
  private isTelling = false;
  private isWanted = false;
  /** What the engine was told last. */
  private told: string | undefined;

  constructor(options: SchemaTellerOptions) {
    this.options = options;
  }

  /** Asks, and tells what is new. To be called whenever there may be news; never throws. */
  tell(): void {
    this.isWanted = true;
    if (this.isTelling || !this.options.client.keepsInputSchemas) return;
    this.isTelling = true;
    void this.tellAll().finally(() => {
      this.isTelling = false;
    });
  }

  private async tellAll(): Promise<void> {
    while (this.isWanted && !this.options.signal.aborted) {
      this.isWanted = false;
      try {
        await this.tellOnce();
      } catch {
        // Whoever was asked does not run, or not yet.
      }
    }
  }

  private async tellOnce(): Promise<void> {
    const { client, plan, epoch } = this.options;
    const { namespace, taskQueue, activityTypes } = plan();
    const registration = epoch();
    const found = await this.ask();
    if (found === undefined) return;
    const inputSchemas = bounded(found);
    const news = JSON.stringify([registration, taskQueue, activityTypes, [...inputSchemas]]);
    if (news === this.told) return;
    if (await client.tellInputSchemas({ namespace, taskQueue, activityTypes, inputSchemas })) this.told = news;
  }

  private async ask(): Promise<ReadonlyMap<string, JsonObject> | undefined> {
    const { clock, signal, plan, inputSchemas } = this.options;
    const abort = new CallOff();
    const callOff = (): void => abort.abort(undefined);
    signal.addEventListener("abort", callOff, { once: true });
    const cancel = clock.schedule(PATIENCE_MS, callOff);
    try {
      const { carrier, taskQueue, activityTypes } = plan();
      return await inputSchemas({ carrier, taskQueue, activityTypes, abort });
    } finally {
      cancel();
      signal.removeEventListener("abort", callOff);
    }
  }
}

/** As many of them as may be told at once. */
function bounded(schemas: ReadonlyMap<string, JsonObject>): ReadonlyMap<string, JsonObject> {
  let left = MOST_CHARACTERS;
  return new Map(
    [...schemas].filter(([, schema]) => {
      left -= JSON.stringify(schema).length;
      return left >= 0;
    }),
  );
}
