import { randomFillSync } from "node:crypto";

const ID_BYTES = 24;
/** Random bytes are asked for in blocks: for each task alone they cost more than the rest of what is made here. */
const block = Buffer.alloc(ID_BYTES * 170);
let used = block.length;

/** A new W3C trace context, sampled: for tasks that come without one. */
export function newTraceparent(): string {
  if (used + ID_BYTES > block.length) {
    randomFillSync(block);
    used = 0;
  }
  const hex = block.toString("hex", used, used + ID_BYTES);
  used += ID_BYTES;
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}
