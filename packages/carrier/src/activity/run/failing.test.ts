import { beforeEach, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../../test/support/envelopes.js";

beforeEach(() => {
  vi.resetModules();
});

it("what puts failures into words is loaded after the first task that goes well: its file may be replaced later", async () => {
  const loading = vi.fn();
  vi.doMock("./trouble.js", async (original) => {
    loading();
    return original();
  });
  const { InvocableActivityHandler } = await import("../handler.js");
  const handler = new InvocableActivityHandler({ "lamps.dim": () => 7 });
  expect(loading).not.toHaveBeenCalled();
  for (let times = 0; times < 3; times++) {
    expect(await handler.handle(activityTaskEnvelope())).toMatchObject({ outcome: { status: "succeeded" } });
  }
  await expect.poll(() => loading.mock.calls.length).toBe(1);
  vi.doUnmock("./trouble.js");
});
