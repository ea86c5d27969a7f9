import { expect, it, vi } from "vitest";
import { CallOff } from "./call-off.js";

it("tells those that listen, once, with the first reason", () => {
  const off = new CallOff<string>();
  const [heard, gone, late] = [vi.fn<() => void>(), vi.fn<() => void>(), vi.fn<() => void>()];
  off.addEventListener("abort", heard);
  off.addEventListener("abort", gone);
  off.removeEventListener("abort", gone);
  expect([off.aborted, off.reason]).toEqual([false, undefined]);
  off.abort("first");
  off.abort("second");
  off.addEventListener("abort", late);
  expect([off.aborted, off.reason]).toEqual([true, "first"]);
  expect([heard, gone, late].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0]);
});

it("is an AbortSignal where one is needed, whenever that is asked for", () => {
  const [before, after] = [new CallOff<string>(), new CallOff<string>()];
  const { signal } = before;
  before.abort("why");
  after.abort("why");
  expect(signal).toBe(before.signal);
  for (const one of [signal, after.signal]) expect([one.aborted, one.reason]).toEqual([true, "why"]);
});

it("calls each listener once, in their order, however often it was added", () => {
  const signal = new CallOff();
  const called: string[] = [];
  const first = (): void => void called.push("first");
  const second = (): void => void called.push("second");
  for (const listener of [first, second, first]) signal.addEventListener("abort", listener);
  signal.addEventListener("abort", () => called.push("third"));
  signal.removeEventListener("abort", second);
  signal.removeEventListener("abort", second);
  signal.abort(undefined);
  expect(called).toEqual(["first", "third"]);
});
