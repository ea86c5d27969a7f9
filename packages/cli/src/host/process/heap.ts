import { setFlagsFromString } from "node:v8";

/**
 * Lets the heap of this process grow to four times what is in use before V8 looks through all of it: as far as V8 itself goes where
 * little is collected. It looks each time that heap and buffers together have grown by a part of the heap, and the heap of an engine
 * or a dispatcher is so small that a few payloads of a megabyte are such a part. Not for processes that run activities: what they
 * hold is for their own code to say.
 */
export function growHeap(): void {
  setFlagsFromString("--heap-growing-percent=300");
}
