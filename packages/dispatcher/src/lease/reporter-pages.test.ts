import type { FailureReport } from "@durable-workflow/engine-protocol/worker";
import { FakeClock } from "@durable-workflow/test-support/clock";
import { expect, it } from "vitest";
import { leasedTask } from "../../test/support/tasks.js";
import { readReportOutcome } from "../engine/outcomes.js";
import { readReply } from "../engine/reply.js";
import { NO_SECRETS } from "../net/secrets.js";
import { reportOutcome } from "./reporter.js";

/** Reports a result to an engine behind a proxy that answers each complete with a page of this status. */
async function reportThrough(status: number, works = true) {
  const clock = new FakeClock();
  let completes = 0;
  const failures: FailureReport[] = [];
  const end = clock.now() + 120_000;
  const running = reportOutcome(
    leasedTask(),
    { kind: "complete", result: null },
    {
      clock,
      scrubber: NO_SECRETS,
      client: {
        complete: () => {
          completes++;
          return Promise.resolve(
            readReportOutcome(
              readReply(status, { text: "<html></html>", blobs: new Map() }, undefined, 0),
              "completed",
            ),
          );
        },
        fail: (_, failure) => {
          failures.push(failure);
          return Promise.resolve({ kind: "recorded", asFailure: true });
        },
      },
      untilSurelyGone: () => end - clock.now(),
      engineWorks: () => Promise.resolve(works),
      signal: new AbortController().signal,
    },
  );
  await clock.advance(140_000);
  return { ended: await running, completes, failures };
}

it("a result that a proxy finds too large is not sent again and again", async () => {
  const { ended, completes, failures } = await reportThrough(413);
  expect(completes).toBe(1);
  expect(failures).toMatchObject([{ type: "ReportRejected", non_retryable: true }]);
  expect(ended).toMatchObject({ kind: "recorded" });
});

it("a result that a proxy does not let pass becomes a failure, where other calls pass", async () => {
  const { completes, failures } = await reportThrough(403);
  expect(completes).toBe(8);
  expect(failures[0]?.message).toContain("every one of 8 tries was");
  expect((await reportThrough(403, false)).failures).toEqual([]);
});

it.each([429, 502, 503, 504])("a page of status %i is an outage, however often it comes", async (status) => {
  const { ended, failures } = await reportThrough(status);
  expect(failures).toEqual([]);
  expect(ended).toEqual({ kind: "lost", reason: "lease_expired" });
});
