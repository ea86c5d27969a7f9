import { type JsonObject, LONGEST_INPUT_SCHEMA } from "@durable-workflow/carrier/protocol";
import type { Deliverer } from "../delivery/deliverer.js";
import type { EngineClient } from "../engine/client.js";
import { CallOff, type StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";
import type { LanePlan } from "./lane-plan.js";

/** How long whoever runs the activities is asked. */
const PATIENCE_MS = 5_000;
/** Characters of all schemas of a lane. */
const MOST_CHARACTERS = 1_048_576;
/** Of those in one request: written as UTF-8 they have room in any. */
const MOST_AT_ONCE = 3 * LONGEST_INPUT_SCHEMA;

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
    void this.tellAll();
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
    // In the same step as nobody wants more: who asks after it begins anew.
    this.isTelling = false;
  }

  private async tellOnce(): Promise<void> {
    const { client, plan, epoch } = this.options;
    const { namespace, taskQueue, activityTypes } = plan();
    const registration = epoch();
    const found = await this.ask();
    if (found === undefined) return;
    const parts = inParts(activityTypes, found);
    const news = JSON.stringify([
      registration,
      taskQueue,
      parts.map((part) => [part.activityTypes, [...part.inputSchemas]]),
    ]);
    if (news === this.told) return;
    for (const part of parts) if (!(await client.tellInputSchemas({ namespace, taskQueue, ...part }))) return;
    this.told = news;
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

interface Part {
  readonly activityTypes: string[];
  readonly inputSchemas: Map<string, JsonObject>;
}

/** What is said of the types, in as many requests as it takes. Of what is too long, or cannot be written, nothing is said. */
function inParts(activityTypes: readonly string[], schemas: ReadonlyMap<string, JsonObject>): readonly Part[] {
  let part: Part = { activityTypes: [], inputSchemas: new Map() };
  const parts = [part];
  let left = MOST_CHARACTERS;
  let leftOfPart = MOST_AT_ONCE;
  for (const type of activityTypes) {
    const schema = schemas.get(type);
    const length = schema === undefined ? 0 : lengthOf(schema);
    const isTold = schema !== undefined && length <= Math.min(LONGEST_INPUT_SCHEMA, left);
    if (isTold && length > leftOfPart) {
      part = { activityTypes: [], inputSchemas: new Map() };
      parts.push(part);
      leftOfPart = MOST_AT_ONCE;
    }
    part.activityTypes.push(type);
    if (!isTold) continue;
    part.inputSchemas.set(type, schema);
    left -= length;
    leftOfPart -= length;
  }
  return parts;
}

/** Characters of its JSON; infinitely many where it has none. */
function lengthOf(schema: JsonObject): number {
  try {
    return (JSON.stringify(schema) as string | undefined)?.length ?? Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
