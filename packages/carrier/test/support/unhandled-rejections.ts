import { afterEach, beforeEach, expect, vi } from "vitest";
import { settle } from "./fake-clock.js";

/** Fails each test of the file that leaves a rejected promise to itself. */
export function forbidUnhandledRejections(): void {
  const unhandled = vi.fn<(reason: unknown) => void>();
  beforeEach(() => {
    process.on("unhandledRejection", unhandled);
  });
  afterEach(async () => {
    await settle();
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    unhandled.mockClear();
  });
}
