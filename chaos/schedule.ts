import { seededRandom } from "@durable-workflow/test-support/fault-proxy";
import { CARRIERS } from "./workload.js";

export const DISPATCHERS = ["dispatcher-1", "dispatcher-2", "dispatcher-3"] as const;
export const PARTS = ["engine", ...DISPATCHERS, ...CARRIERS.map((name) => `carrier-${name}`), "client"] as const;
export type PartName = (typeof PARTS)[number];

/** Who calls whom; a proxy stands between. */
export const EDGES = [
  "client>engine",
  ...DISPATCHERS.map((name) => `${name}>engine`),
  ...CARRIERS.map((name) => `carrier-${name}>engine`),
  ...DISPATCHERS.flatMap((name) => CARRIERS.map((carrier) => `${name}>carrier-${carrier}`)),
] as const;

export const FAULTS = ["kill", "freeze", "harm", "sever", "full_disk", "clock"] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface Fault {
  /** From the start of the run on. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** A part, an edge, or `disk`. */
  readonly target: string;
  /** How long it lasts: until a part is started again or goes on, an edge is mended, the disk has room, a clock is right. */
  readonly forMs: number;
  /** The share of what passes that comes to harm; how far a clock is ahead, in milliseconds. */
  readonly amount: number;
}

/** Nothing is done to a part that has just been started. */
const GRACE_MS = 4_000;
const HOUR_MS = 3_600_000;

/**
 * The faults of a run, in their order: the same for the same seed and length. Each part is killed, frozen and has its clock
 * stepped, each edge harmed and severed, in rounds over all of them, so that none is left out of a run that is long enough.
 */
export function scheduleOf(seed: number, minutes: number, perMinute: number): readonly Fault[] {
  const random = seededRandom(seed);
  const between = (least: number, most: number): number => Math.round(least + random() * (most - least));
  const rounds: (readonly [FaultKind, string])[] = [];
  const faults: Fault[] = [];
  const [end, every] = [minutes * 60_000, 60_000 / perMinute];
  for (let at = GRACE_MS; at < end; at += between(every / 2, every * 1.5)) {
    if (rounds.length === 0) rounds.push(...shuffled(oneRound(), random));
    const [kind, target] = rounds.pop() ?? ["kill", "engine"];
    faults.push({ atMs: at, kind, target, forMs: lengthOf(kind, between), amount: amountOf(kind, random, between) });
  }
  return faults;
}

function oneRound(): (readonly [FaultKind, string])[] {
  return [
    ...PARTS.map((part) => ["kill", part] as const),
    ...PARTS.map((part) => ["freeze", part] as const),
    ...PARTS.map((part) => ["clock", part] as const),
    ...EDGES.map((edge) => ["harm", edge] as const),
    ...EDGES.map((edge) => ["sever", edge] as const),
    ["full_disk", "disk"],
    ["full_disk", "disk"],
  ];
}

function lengthOf(kind: FaultKind, between: (least: number, most: number) => number): number {
  switch (kind) {
    case "kill":
      return between(100, 2_500);
    case "freeze":
      return between(300, 6_000);
    case "harm":
      return between(2_000, 6_000);
    case "sever":
      return between(300, 5_000);
    case "full_disk":
      return between(1_000, 4_000);
    case "clock":
      return between(4_000, 15_000);
  }
}

function amountOf(kind: FaultKind, random: () => number, between: (least: number, most: number) => number): number {
  if (kind === "harm") return 0.02 + random() * 0.08;
  // From a second up to an hour, either way.
  if (kind === "clock") return Math.round((random() < 0.5 ? -1 : 1) * 1_000 * (HOUR_MS / 1_000) ** random());
  return between(0, 0);
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => [random(), item] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, item]) => item);
}
