import { seededRandom } from "@durable-workflow/test-support/fault-proxy";

export const CARRIERS = ["a", "b"] as const;
export type CarrierName = (typeof CARRIERS)[number];

/** What a task's handler does, with its share of all tasks in percent. */
const SHARES = {
  quick: 54, // returns
  flaky: 14, // fails once or twice, then returns
  hopeless: 4, // fails until its attempts are used up
  refused: 4, // fails for good at once
  slow: 10, // takes up to a second and a half
  beating: 5, // takes some seconds, and tells how far it is
  cancelled: 3, // goes on until its caller cancels it
  once: 6, // has an effect that must not be had twice
} as const;

export type Kind = keyof typeof SHARES | "large"; // large: argument and result are kept apart, by reference
export const KINDS = [...Object.keys(SHARES), "large"] as readonly Kind[];

/** So many tasks at most have large payloads, however many there are: the disk is not what is tested. */
const MOST_LARGE = 3_000;
const LARGE_SHARE = 0.01;
const LEAST_LARGE = 128 * 1024;
/** Of the payload; as base64 it is 4 MiB. */
const MOST_LARGE_BYTES = 3 * 1024 * 1024;

export interface Task {
  readonly index: number;
  readonly id: string;
  readonly kind: Kind;
  readonly carrier: CarrierName;
  /** The activity type by which it is started. */
  readonly type: string;
  readonly maxAttempts: number;
  /** Attempts that fail by themselves before one is to succeed. */
  readonly failures: number;
  /** How long its handler takes. */
  readonly ms: number;
  /** Of its argument's text; 0 for none. */
  readonly bytes: number;
}

/** The task of an index: the same for the same seed. */
export function taskOf(seed: number, index: number, tasks: number): Task {
  const random = seededRandom((seed * 1_000_003 + index * 7_919) >>> 0);
  random();
  const isLarge = random() < Math.min(LARGE_SHARE, MOST_LARGE / tasks);
  const kind = isLarge ? "large" : kindOf(random() * 100);
  const carrier = CARRIERS[Math.floor(random() * CARRIERS.length)] ?? "a";
  const failures = kind === "flaky" ? 1 + Math.floor(random() * 2) : 0;
  const ms = kind === "slow" ? 100 + random() * 1_400 : kind === "beating" ? 1_000 + random() * 2_000 : 0;
  const bytes = isLarge ? Math.floor(LEAST_LARGE * (MOST_LARGE_BYTES / LEAST_LARGE) ** random()) : 0;
  return {
    index,
    id: `t-${index}`,
    kind,
    carrier,
    type: `${carrier}.${kind}`,
    maxAttempts: kind === "hopeless" ? 2 : 6,
    failures,
    ms: Math.round(ms),
    bytes,
  };
}

function kindOf(percent: number): Kind {
  let sum = 0;
  for (const [kind, share] of Object.entries(SHARES)) {
    sum += share;
    if (percent < sum) return kind as Kind;
  }
  return "quick";
}

/** What a task's result is, when it has one. */
export function resultOf({ index, kind, bytes }: Pick<Task, "index" | "kind" | "bytes">): unknown {
  return kind === "large" ? { index, text: textOf(index + 1, bytes) } : { index };
}

/** A text of so many characters, different for each index. */
export function textOf(index: number, characters: number): string {
  const line = `${index} `.padEnd(64, "abcdefghij");
  return line.repeat(Math.ceil(characters / line.length)).slice(0, characters);
}

/** How a task ends when nothing is in its way. */
export function endOf({ kind }: Pick<Task, "kind">): { readonly end: string; readonly type?: string } {
  switch (kind) {
    case "hopeless":
      return { end: "failed", type: "Hopeless" };
    case "refused":
      return { end: "failed", type: "Refused" };
    case "cancelled":
      return { end: "cancelled" };
    case "quick":
    case "flaky":
    case "slow":
    case "beating":
    case "once":
    case "large":
      return { end: "completed" };
  }
}
