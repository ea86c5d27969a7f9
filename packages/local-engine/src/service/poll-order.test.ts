import { expect, it } from "vitest";
import { PollOrder } from "./poll-order.js";

const MINUTE_MS = 60_000;

function begin() {
  const clock = { nowMs: 0 };
  const order = new PollOrder(() => clock.nowMs);
  const isOvertaken = (pollRequestId: string | null, repeat?: number, workerId = "w"): boolean => {
    const worker = { namespace: "default", taskQueue: "q", workerId };
    return order.isOvertaken({ worker, pollRequestId, ...(repeat === undefined ? {} : { repeat }) });
  };
  return { clock, isOvertaken };
}

it("a request is overtaken by any of its poll that was sent after it, for ten minutes", () => {
  const { clock, isOvertaken } = begin();
  expect([isOvertaken("p"), isOvertaken("p", 2), isOvertaken("p", 2), isOvertaken("p", 3)]).toEqual(
    Array(4).fill(false),
  );
  clock.nowMs += 9 * MINUTE_MS;
  expect([isOvertaken("p"), isOvertaken("p", 0), isOvertaken("p", 2)]).toEqual([true, true, true]);
  expect([isOvertaken("p", 3), isOvertaken("p-2"), isOvertaken("p", 0, "v"), isOvertaken(null)]).toEqual(
    Array(4).fill(false),
  );
  clock.nowMs += 11 * MINUTE_MS;
  expect(isOvertaken("p")).toBe(false);
});

it("a poll whose requests have no numbers is never overtaken, however often its id is used", () => {
  const { isOvertaken } = begin();
  isOvertaken("other", 1);
  for (let times = 0; times < 5; times++) expect(isOvertaken("p")).toBe(false);
});

it("of more polls than are remembered, the oldest are forgotten", () => {
  const { isOvertaken } = begin();
  for (let count = 0; count < 20_010; count++) isOvertaken(`p-${count}`, 1);
  expect([isOvertaken("p-9"), isOvertaken("p-10"), isOvertaken("p-20009")]).toEqual([false, true, true]);
});
