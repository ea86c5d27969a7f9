import { expect, it } from "vitest";
import { ServerClock } from "./server-clock.js";

it("what the engine says goes before the browser's clock, and slow answers do not turn it back and forth", () => {
  let monotonic = 500;
  const wall = Date.UTC(2020, 0, 1);
  const clock = new ServerClock(
    () => monotonic,
    () => wall,
  );
  expect(clock.now()).toBe(wall);
  clock.learn("2026-06-01T12:00:00.000000Z");
  const noon = Date.UTC(2026, 5, 1, 12);
  expect(clock.now()).toBe(noon);
  monotonic += 2500;
  expect(clock.now()).toBe(noon + 2500);
  clock.learn("2026-06-01T12:00:02.000000Z"); // under way for half a second
  expect(clock.now()).toBe(noon + 2500);
  clock.learn("2026-06-01T11:00:00.000000Z"); // the engine's clock was set
  expect(clock.now()).toBe(noon - 3_600_000);
  clock.learn("nonsense");
  expect(clock.now()).toBe(noon - 3_600_000);
});
