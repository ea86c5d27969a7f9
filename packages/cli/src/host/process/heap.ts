import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** Four times what is in use: as far as V8 itself goes where little is collected. */
const GROWS = "--heap-growing-percent=300";
/** As V8 finds right. */
const AS_IT_IS = "--heap-growing-percent=0";
/** The heap of a process that runs activities is left to V8 once so much of it is in use. */
const SMALL_BYTES = 32 * 2 ** 20;

/**
 * Lets the heap of this process grow to four times what is in use before V8 looks through all of it. It looks each time that heap
 * and buffers together have grown by a part of the heap, and the heap of an engine or a dispatcher is so small that a few payloads of
 * a megabyte are such a part.
 */
export function growHeap(): void {
  setFlagsFromString(GROWS);
}

/**
 * The same for a process that runs activities, while its heap is small: what they hold is for their own code to say, and a heap that
 * is large grows as V8 lets it.
 *
 * @param setFlags of V8
 * @returns leaves the heap to V8
 */
export function growSmallHeap(setFlags: (flags: string) => void = setFlagsFromString): () => void {
  setFlags(GROWS);
  let grows = true;
  const observer = new PerformanceObserver((list) => {
    if (!list.getEntries().some(isOfAll)) return;
    const isSmall = getHeapStatistics().used_heap_size < SMALL_BYTES;
    if (isSmall === grows) return;
    grows = isSmall;
    setFlags(grows ? GROWS : AS_IT_IS);
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => {
    observer.disconnect();
    setFlags(AS_IT_IS);
  };
}

function isOfAll({ detail }: PerformanceEntry & { readonly detail?: unknown }): boolean {
  return (detail as { readonly kind?: number } | undefined)?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
