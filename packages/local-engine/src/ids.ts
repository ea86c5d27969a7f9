import { randomBytes, randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_LENGTH = 10;
/** Of 10 bits each: two characters. */
const RANDOM_PAIRS = 8;

/** Every two characters, by their 10 bits. */
const PAIRS = Array.from(ALPHABET, (first) => Array.from(ALPHABET, (second) => first + second)).flat();

const pool = new Uint16Array(RANDOM_PAIRS * 256);
let used = pool.length;

let lastMs = -1;
let lastTime = "";

/** A new ULID in lower case, as the engine writes ids of runs, tasks, executions and commands. */
export function ulid(epochMs: number): string {
  if (epochMs !== lastMs) {
    lastMs = epochMs;
    lastTime = timeOf(epochMs);
  }
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let id = lastTime;
  for (const end = used + RANDOM_PAIRS; used < end; used++) id += PAIRS[(pool[used] ?? 0) & 1023] ?? "";
  return id;
}

function timeOf(epochMs: number): string {
  let time = "";
  let rest = epochMs;
  for (let digit = 0; digit < TIME_LENGTH; digit++) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return time;
}

/** A new token: 32 hexadecimal digits that nobody can guess. */
export function token(): string {
  return randomBytes(16).toString("hex");
}

/** A new ULID in upper case, as the engine writes ids of attempts and of workers without a name. */
export function upperUlid(epochMs: number): string {
  return ulid(epochMs).toUpperCase();
}
