import type { Clock } from "../clock.js";
import type { AdmittedTask } from "../run/admission.js";
import { failed, isFailing } from "../run/failing.js";
import { aborted, failureOf, type TaskOutcome, thrown } from "../run/failures.js";
import { nothing, type PerformSettings, perform } from "../run/perform.js";
import { runContextOf } from "../run/run-context.js";
import { encodeResult } from "../run/task-payloads.js";
import { Idempotency, type IdempotentRun } from "./idempotency.js";
import { type IdempotencyOptions, type IdempotencySettings, resolveIdempotencyOptions } from "./options.js";
import type { ActivityIdempotency, PerformOnce } from "./part.js";

/** How long a late result may take to be stored, once nobody waits for the answer any more. */
const LATE_STORAGE_MS = 30_000;

/**
 * Runs a task once for each idempotency key, and answers the other deliveries with the outcome of that one:
 * `docs/write/idempotency.md`. For a carrier's option `idempotency`.
 *
 * ```ts
 * const handler = new InvocableActivityHandler(activities, { idempotency: idempotent({ store }) });
 * ```
 *
 * With it, what a handler returns after its task was answered (at a deadline, say) counts as the outcome for the next
 * delivery: a handler that stops early must throw (`signal.throwIfAborted()`), not return.
 *
 * @throws {TypeError} naming the option that makes no sense, and where WebCrypto is missing
 */
export function idempotent(options: IdempotencyOptions): ActivityIdempotency {
  const settings = resolveIdempotencyOptions(options);
  if (typeof globalThis.crypto?.subtle?.digest !== "function") {
    throw new TypeError("idempotency needs WebCrypto: crypto.subtle is missing here");
  }
  return { forCarrier: (clock) => performOnce(settings, clock) };
}

function performOnce(keys: IdempotencySettings, clock: Clock): PerformOnce {
  const idempotency = new Idempotency(keys, clock);
  return {
    async perform(task, args, settings) {
      const { input, run } = task;
      let shared: IdempotentRun | undefined;
      /** What the handler said in time, though the store may not have it yet. */
      let said: TaskOutcome | undefined;
      const begin = (): Promise<TaskOutcome> | undefined => {
        shared = idempotency.start({
          info: runContextOf(task).info,
          args,
          // Not to tell the two ways of sending no arguments apart.
          payload: args.length === 0 ? null : input.arguments,
          signal: run.signal(),
          logger: runContextOf(task).logger,
          execute: async () => {
            const outcome = await execute(task, args, settings);
            if (!run.signal().aborted) said = outcome;
            return outcome;
          },
        });
        return shared?.outcome;
      };
      // What comes late is logged by the execution, which knows whether anybody still has use for it.
      const ended = await run.execute(begin, nothing);
      switch (ended.kind) {
        case "returned":
          // Without a key there is nothing to share.
          return (ended.value as TaskOutcome | undefined) ?? perform(task, args, settings);
        case "threw":
          return failureOf(ended.error, settings.stackTraces);
        case "aborted": {
          if (said !== undefined) return said;
          const failure = aborted(ended.reason, settings.stackTraces);
          return shared?.whenEnded(failure) ?? failure;
        }
      }
    },
    close: (afterMs) => idempotency.close(afterMs),
  };
}

/** Runs the handler to its end, whatever becomes of the run, and says what came of it. */
async function execute(task: AdmittedTask, args: readonly unknown[], settings: PerformSettings): Promise<TaskOutcome> {
  const { activity, run } = task;
  const { externalStorage: storage, stackTraces } = settings;
  let outcome: TaskOutcome;
  try {
    const value = await activity(task, args);
    // A handler that looks at its signal and has nothing to say has most likely stopped half-way.
    if (value === undefined && run.signal().aborted && runContextOf(task).wasSignalRead) {
      return aborted(run.signal().reason, stackTraces);
    }
    const encoded = encodeResult(value);
    if (isFailing(encoded)) return failed(encoded);
    outcome = encoded;
  } catch (error) {
    // Once the run was ended from outside, what is thrown tells of that, and not of the work.
    return run.signal().aborted ? aborted(run.signal().reason, stackTraces) : failureOf(error, stackTraces);
  }
  if (!("blob" in outcome) || storage?.exceedsThreshold(outcome) !== true) return outcome;
  const storing = lateSignal(settings.clock, run.signal());
  try {
    return await storage.write(outcome, { signal: storing.signal });
  } catch (error) {
    return thrown(error, stackTraces);
  } finally {
    storing.dispose();
  }
}

/** A signal that follows another after a while: what a handler has done is to be kept, also when it is late. */
function lateSignal(clock: Clock, signal: AbortSignal): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let cancel: (() => void) | undefined;
  const follow = (): void => {
    cancel = clock.schedule(LATE_STORAGE_MS, () => controller.abort(signal.reason));
  };
  signal.addEventListener("abort", follow);
  if (signal.aborted) follow();
  return {
    signal: controller.signal,
    dispose() {
      signal.removeEventListener("abort", follow);
      cancel?.();
    },
  };
}
