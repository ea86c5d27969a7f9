import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  decodePayload,
  fetchExternalPayload,
  parseExternalPayloadReference,
  parseExternalTaskResult,
} from "@durable-workflow/carrier";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BillingCarrier, startBillingCarrier } from "./carrier.js";
import { runDemo } from "./demo.js";
import type { Delivery } from "./dispatch.js";
import { palette } from "./report.js";

describe("the billing example", () => {
  let carrier: BillingCarrier;
  let deliveries: readonly Delivery[];
  const printed: string[] = [];

  beforeAll(async () => {
    carrier = await startBillingCarrier();
    deliveries = await runDemo(carrier, palette(false), (text) => printed.push(text));
  });
  afterAll(() => carrier.close());

  it.each([
    [1, true, null, false],
    [2, true, null, false],
    [3, false, "CardDeclined", false],
    [4, false, "GatewayUnavailable", true],
    [5, true, null, false],
    [6, false, "ExternalTaskDeadlineExceeded", true],
  ])("answers step %i", (step, succeeded, type, retryable) => {
    const delivery = deliveries[step - 1];
    expect(delivery?.status).toBe(200);
    expect(delivery?.result.succeeded).toBe(succeeded);
    expect(delivery?.result.kind === "failure" ? delivery.result.failure.type : null).toBe(type);
    expect(delivery?.result.retryable).toBe(retryable);
  });

  it("charges once for each idempotency key", () => {
    expect(carrier.gateway.chargeCount).toBe(2);
  });

  it("prints each request, its decoded arguments, the status and the decoded outcome", () => {
    const [, , declined] = printed;
    expect(declined).toContain("POST task task-2, billing.charge-card, attempt 1");
    expect(declined).toContain("card: 'card_declined'");
    expect(declined).toContain("status     200");
    expect(declined).toContain("failed: application_error (CardDeclined), no retry");
    expect(declined).toContain("reason: 'insufficient_funds'");
  });

  it("serves the task of the printed curl command", async () => {
    const task = await readFile(new URL("../task.json", import.meta.url), "utf8");
    const response = await fetch(carrier.url, { method: "POST", body: task });
    expect(parseExternalTaskResult(await response.json()).succeeded).toBe(true);
  });

  it("takes a free port when the wanted one is taken", async () => {
    const second = await startBillingCarrier({ port: Number(new URL(carrier.url).port) });
    expect(second.url).not.toBe(carrier.url);
    await second.close();
  });
});

describe("with --storage local", () => {
  it("answers with a reference where the result is large, and anybody with the disk can read it", async () => {
    const root = mkdtempSync(join(tmpdir(), "billing-payloads-"));
    const storage = new LocalFilesystemExternalStorage({ root });
    const carrier = await startBillingCarrier({ storage });
    const printed: string[] = [];
    try {
      const { result } = (await runDemo(carrier, palette(false), (text) => printed.push(text))).at(-1)!;
      const payload = result.kind === "success" ? result.payload : null;
      if (payload === null || !("external_storage" in payload)) throw new Error("the result did not go to storage");
      const blob = await fetchExternalPayload(storage, parseExternalPayloadReference(payload.external_storage));
      expect(decodePayload({ codec: "avro", blob })).toHaveLength(10_000);
      expect(printed.at(-2)).toMatch(/uri: 'file:.*\/avro\//s);
    } finally {
      await carrier.close();
      rmSync(root, { recursive: true });
    }
  });

  it("is all that --storage takes", () => {
    const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [main, "--storage", "s3"], { encoding: "utf8" });
    expect([status, stderr]).toEqual([2, "--storage must be local, got s3\n"]);
  });
});
