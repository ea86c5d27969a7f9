import { randomBytes, randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;

const pool = Buffer.alloc(RANDOM_LENGTH * 256);
let used = pool.length;

/** A new ULID in lower case, as the engine writes ids of runs, tasks, executions and commands. */
export function ulid(epochMs: number): string {
  let time = "";
  let rest = epochMs;
  for (let digit = 0; digit < TIME_LENGTH; digit++) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let random = "";
  for (let digit = 0; digit < RANDOM_LENGTH; digit++) random += ALPHABET.charAt((pool[used++] ?? 0) & 31);
  return time + random;
}

/** A new token: 32 hexadecimal digits that nobody can guess. */
export function token(): string {
  return randomBytes(16).toString("hex");
}

/** A new ULID in upper case, as the engine writes ids of attempts and of workers without a name. */
export function upperUlid(epochMs: number): string {
  return ulid(epochMs).toUpperCase();
}
