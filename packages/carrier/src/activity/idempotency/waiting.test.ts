import { getEventListeners } from "node:events";
import { expect, it, vi } from "vitest";
import { unlessAborted } from "./waiting.js";

/** Something that is waited for, and the end of it. */
function waitFor(signal: AbortSignal) {
  let done!: (value: string) => void;
  const stop = vi.fn<() => void>();
  const outcome = unlessAborted<string>(signal, (callback) => {
    done = callback;
    return stop;
  });
  return { outcome, stop, done: (value: string) => done(value) };
}

it("ends with what was waited for", async () => {
  const { signal } = new AbortController();
  const { outcome, stop, done } = waitFor(signal);
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  done("done");
  expect(await outcome).toBe("done");
  expect(stop).toHaveBeenCalledTimes(1);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

it("ends with nothing when it is aborted", async () => {
  const controller = new AbortController();
  const { outcome, stop } = waitFor(controller.signal);
  controller.abort();
  expect(await outcome).toBeUndefined();
  expect(stop).toHaveBeenCalledTimes(1);
  expect(getEventListeners(controller.signal, "abort")).toEqual([]);
});

it("does not wait when it is aborted already", async () => {
  const { outcome, stop } = waitFor(AbortSignal.abort());
  expect(await outcome).toBeUndefined();
  expect(stop).toHaveBeenCalledTimes(1);
});
