import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects garbage at once: all of it, or what has died young alone. */
export type Collect = (options?: { readonly type: "minor" }) => void;

/** What collects the garbage of this process, which V8 gives out only where it is asked for. */
export function garbageCollector(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as Collect;
}
