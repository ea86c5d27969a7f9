import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { externalStorage } from "@durable-workflow/carrier/storage";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { ActivityTestEnvironment, buildTaskInput, carrierClient } from "@durable-workflow/carrier/testing";
import { describe, expect, it } from "vitest";
import { billingActivities } from "./activities.js";
import { FLAKY_CARD, PaymentGateway } from "./gateway.js";

const CHARGE = { idempotencyKey: "invoice-2026-0042", card: "card_visa", cents: 12_900, currency: "EUR" };

function example() {
  const gateway = new PaymentGateway();
  const activities = billingActivities(gateway);
  return { gateway, activities, client: carrierClient(activities) };
}

describe("billing.charge-card", () => {
  it("charges once for each idempotency key, however often the task is delivered", async () => {
    const { gateway, client } = example();
    const first = await client.call("billing.charge-card", [CHARGE]);
    expect(first).toEqual({ chargeId: "ch_1", card: "card_visa", cents: 12_900, currency: "EUR" });
    expect(await client.call("billing.charge-card", [CHARGE])).toEqual(first);
    await client.call("billing.charge-card", [{ ...CHARGE, idempotencyKey: "invoice-2026-0043" }]);
    expect(gateway.chargeCount).toBe(2);
  });

  it("fails for good when the card is declined", async () => {
    const task = buildTaskInput({ activityType: "billing.charge-card", args: [{ ...CHARGE, card: "card_declined" }] });
    const result = await example().client.send(task);
    expect(result).toMatchObject({ failed: true, retryable: false, failure: { type: "CardDeclined" } });
  });

  it("fails twice and then succeeds when the gateway is overloaded", async () => {
    const { gateway, client } = example();
    const task = buildTaskInput({ activityType: "billing.charge-card", args: [{ ...CHARGE, card: FLAKY_CARD }] });
    for (let attempt = 1; attempt <= 2; attempt++) {
      expect(await client.send(task)).toMatchObject({ retryable: true, failure: { type: "GatewayUnavailable" } });
    }
    expect(await client.send(task)).toMatchObject({ succeeded: true });
    expect(gateway.chargeCount).toBe(1);
  });
});

describe("billing.export-ledger", () => {
  it("says how far it is, and stops when it is cancelled", async () => {
    const { activities } = example();
    const run = new ActivityTestEnvironment().start(activities["billing.export-ledger"], [2026]);
    await expect.poll(() => run.heartbeats.length).toBeGreaterThan(1);
    run.cancel("not needed any more");
    expect((await run.failure()).classification).toBe("cancelled");
    expect(run.heartbeats[0]?.progress).toEqual({ current: 0, total: 12, unit: "months" });
  });
});

describe("billing.statement", () => {
  it("is answered with a reference where there is storage", async () => {
    const root = mkdtempSync(join(tmpdir(), "billing-payloads-"));
    try {
      const client = carrierClient(example().activities, {
        externalStorage: externalStorage(new LocalFilesystemExternalStorage({ root })),
      });
      const task = buildTaskInput({ activityType: "billing.statement", args: [2026, 10_000] });
      const result = await client.send(task);
      expect(result.kind === "success" ? result.payload : null).toMatchObject({
        external_storage: { uri: expect.stringMatching(/^file:.*\/avro\//) as string },
      });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
