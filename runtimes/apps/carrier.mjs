// What every platform here hosts: the conformance handlers and a few of its own, behind one gate.
import { bearerToken, createContextKey, defineActivity } from "@durable-workflow/carrier";
import { conformanceHandlers } from "@durable-workflow/carrier/testing";

/** Under which each app finds what its platform gave it. */
export const platform = createContextKey(undefined, { description: "platform" });

/** How a run ended, by its own name; shared by copies of this module, which bundlers make. */
const ends = (globalThis.runtimesEnds ??= new Map());

/** Longer than its client stays, and than a busy machine keeps a process from hearing that it has left. */
const LONGEST_WAIT_MS = 7_500;

/** @param describe says in a line what the platform gave, as the app knows it */
export function handlersWith(describe) {
  return {
    ...conformanceHandlers,
    "runtimes.given": defineActivity({ run: (context) => describe(context.get(platform)) }),
    "runtimes.text": (length) => "x".repeat(length),
    /** Waits until it is told to stop, and keeps by which reason. */
    "runtimes.wait": defineActivity({
      run: ({ signal }, name) => {
        ends.set(name, "running");
        return new Promise((resolve) => {
          const timer = setTimeout(() => end("nothing"), LONGEST_WAIT_MS);
          const end = (reason) => {
            clearTimeout(timer);
            ends.set(name, reason);
            resolve(reason);
          };
          signal.addEventListener("abort", () => end(signal.reason.name));
        });
      },
    }),
    /** By which reason the run of that name was told to stop; `nothing` for one that came to its end. */
    "runtimes.ended": async (name) => {
      for (let left = 400; ends.get(name) === "running" && left > 0; left--) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return ends.get(name) ?? "never begun";
    },
  };
}

export const options = {
  auth: bearerToken("runtimes-token"),
  bodyLimitBytes: 4 * 1024 * 1024,
  health: true,
  platform,
};
