import { expect, it } from "vitest";
import { leasedTask } from "../../test/support/tasks.js";
import { type Clock, systemClock } from "../time/clock.js";
import { ProcessDeliverer } from "./process-carrier.js";
import { reportOf } from "./result-mapping.js";

/** The system's clock, with a count of what it still has to call back. */
function countingClock(): { readonly clock: Clock; readonly waiting: () => number } {
  let count = 0;
  const clock: Clock = {
    ...systemClock,
    schedule(delayMs, callback) {
      count++;
      let done = false;
      const end = (): void => {
        if (!done) count--;
        done = true;
      };
      const cancel = systemClock.schedule(delayMs, () => {
        end();
        callback();
      });
      return () => {
        end();
        cancel();
      };
    },
  };
  return { clock, waiting: () => count };
}

function deliverWith(
  clock: Clock,
  script: string,
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
) {
  const deliverer = new ProcessDeliverer({ clock, environment: process.env, outputLimitBytes: 1_000 });
  const command = [process.execPath, "-e", script];
  const carrier = { type: "process", name: "p", command, environment: {}, timeoutSeconds: null } as const;
  return deliverer.deliver({ carrier, body: "{}", limit: { name: "timeout_seconds", ms }, signal });
}

it("a process that is called off past its limit leaves no kill behind, which could hit another one", async () => {
  const { clock, waiting } = countingClock();
  const abort = new AbortController();
  // It is asked to end at its limit, and called off then; it takes its time.
  const script = 'process.on("SIGTERM", () => setTimeout(() => process.exit(0), 300)); setInterval(() => {}, 1000)';
  const delivery = deliverWith(clock, script, { ms: 500, signal: abort.signal });
  setTimeout(() => abort.abort(), 600);
  expect(await delivery).toEqual({ kind: "aborted" });
  expect(waiting()).toBe(0);
});

it("a process that writes too much has given malformed output, and is not said to have crashed", async () => {
  const endless =
    'const more = () => { while (process.stdout.write("x".repeat(65536))); process.stdout.once("drain", more); }; more()';
  const answer = await deliverWith(systemClock, endless, { ms: 20_000, signal: new AbortController().signal });
  if (answer.kind === "aborted") throw new Error("nobody called it off");
  expect(reportOf(leasedTask(), answer, { carrier: "p", scrub: (text) => text }).report).toMatchObject({
    kind: "fail",
    failure: { kind: "malformed_output", type: "MalformedOutput", non_retryable: true },
  });
});
