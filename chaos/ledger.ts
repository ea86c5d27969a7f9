import { Histogram } from "./histogram.js";
import { segmentsOf } from "./journal.js";
import { Tail } from "./lines.js";
import { taskOf } from "./workload.js";

/** How the client was told that an activity ended. */
export interface ToldEnd {
  readonly kind: string;
  readonly type: string;
  readonly attempts: number;
}

/** A minute of a run, as the client saw it. */
export class Minute {
  starts = 0;
  ends = 0;
  /** From the acknowledgement to the end as the client was told it, of activities that return at once. */
  readonly quick = new Histogram();
  readonly startLatency = new Histogram();
}

const RUN_ID_BYTES = 32;
/** A start that took longer than a request may was made again inside the client. */
const LONG_START_MS = 10_000;
const ACKNOWLEDGED = 1;
const STARTED_AGAIN = 2;

/** All that the client has noted, in about 60 bytes for each task; it is read while it grows. */
export class Ledger {
  acknowledgedCount = 0;
  begunCount = 0;
  endedCount = 0;
  readonly problems: string[] = [];
  readonly all = new Minute();
  readonly minutes: Minute[] = [];
  /** Calls that had to be made again, by what they were and why. */
  readonly again = new Map<string, number>();
  private readonly folder: string;
  private readonly seed: number;
  private readonly tasks: number;
  private readonly startedAt: number;
  private readonly tails = new Map<string, Tail>();
  private readonly runIds: Buffer;
  private readonly flags: Uint8Array;
  private readonly endAttempts: Uint8Array;
  /** Positions in {@link endNames}, from 1. */
  private readonly endCodes: Uint16Array;
  private readonly endNames: (readonly [string, string])[] = [];
  private readonly endPlaces = new Map<string, number>();
  private readonly acknowledgedAt: Float64Array;

  /** @param startedAt when the first minute began */
  constructor(folder: string, { seed, tasks, startedAt }: { seed: number; tasks: number; startedAt: number }) {
    this.folder = folder;
    this.seed = seed;
    this.tasks = tasks;
    this.startedAt = startedAt;
    this.runIds = Buffer.alloc(tasks * RUN_ID_BYTES);
    this.flags = new Uint8Array(tasks);
    this.endAttempts = new Uint8Array(tasks);
    this.endCodes = new Uint16Array(tasks);
    this.acknowledgedAt = new Float64Array(tasks);
  }

  /** Reads what has been noted since the last time. */
  catchUp(): void {
    for (const file of segmentsOf(this.folder)) {
      const tail = this.tails.get(file) ?? new Tail(file);
      this.tails.set(file, tail);
      tail.read((line) => this.take(line.split(" ")));
    }
  }

  /** The run that was acknowledged to the client. */
  runIdOf(index: number): string | undefined {
    if (((this.flags[index] ?? 0) & ACKNOWLEDGED) === 0) return undefined;
    const from = index * RUN_ID_BYTES;
    const end = this.runIds.indexOf(0, from);
    return this.runIds.toString("latin1", from, end === -1 ? from + RUN_ID_BYTES : Math.min(end, from + RUN_ID_BYTES));
  }

  /** Whether the start may have been heard twice: it had to be made again. */
  isStartedAgain(index: number): boolean {
    return ((this.flags[index] ?? 0) & STARTED_AGAIN) !== 0;
  }

  endOf(index: number): ToldEnd | undefined {
    const name = this.endNames[(this.endCodes[index] ?? 0) - 1];
    return name && { kind: name[0], type: name[1], attempts: this.endAttempts[index] ?? 0 };
  }

  private take([word = "", number, ...rest]: readonly string[]): void {
    const index = Number(number);
    switch (word) {
      case "B":
        this.begunCount++;
        break;
      case "A":
        this.acknowledge(index, rest);
        break;
      case "E":
        this.end(index, rest);
        break;
      case "R": {
        const what = rest.join(" ");
        if (rest[0] === "start") this.flag(index, STARTED_AGAIN);
        this.again.set(what, (this.again.get(what) ?? 0) + 1);
        break;
      }
      case "X":
        this.problems.push(`t-${index} could not be followed: ${rest.join(" ")}`);
        break;
      default:
    }
  }

  private acknowledge(index: number, [runId = "-", at, tookMs]: readonly string[]): void {
    if (index >= this.tasks || runId.length > RUN_ID_BYTES) {
      this.problems.push(`t-${index} was acknowledged as ${runId}, which cannot be`);
      return;
    }
    if (this.runIdOf(index) !== undefined) this.problems.push(`t-${index} was acknowledged twice`);
    else this.acknowledgedCount++;
    this.flag(index, ACKNOWLEDGED);
    if (Number(tookMs) > LONG_START_MS) this.flag(index, STARTED_AGAIN);
    this.runIds.write(runId, index * RUN_ID_BYTES, "latin1");
    this.acknowledgedAt[index] = Number(at);
    for (const minute of [this.all, this.minuteOf(Number(at))]) {
      minute.starts++;
      minute.startLatency.add(Number(tookMs));
    }
  }

  private end(index: number, [kind = "", type = "", attempts, at]: readonly string[]): void {
    if (this.endOf(index) !== undefined) this.problems.push(`t-${index} was told to the client twice`);
    else this.endedCount++;
    this.endCodes[index] = this.placeOf(kind, type);
    this.endAttempts[index] = Number(attempts);
    const isQuick = taskOf(this.seed, index, this.tasks).kind === "quick";
    for (const minute of [this.all, this.minuteOf(Number(at))]) {
      minute.ends++;
      if (isQuick) minute.quick.add(Number(at) - (this.acknowledgedAt[index] ?? 0));
    }
  }

  private flag(index: number, bit: number): void {
    this.flags[index] = (this.flags[index] ?? 0) | bit;
  }

  private minuteOf(at: number): Minute {
    const number = Math.max(0, Math.floor((at - this.startedAt) / 60_000));
    while (this.minutes.length <= number) this.minutes.push(new Minute());
    return this.minutes[number] as Minute;
  }

  private placeOf(kind: string, type: string): number {
    const name = `${kind} ${type}`;
    const place = this.endPlaces.get(name) ?? this.endNames.push([kind, type]);
    this.endPlaces.set(name, place);
    return place;
  }
}
