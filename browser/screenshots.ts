// npm run screenshots: pictures of the inspector for README and docs, of a real engine, into docs/images.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Held } from "@durable-workflow/test-support/engine-client";
import { CHROMIUM, HOW_TO_GET_IT, launch, WatchedPage } from "./support/browser.js";
import { Stack } from "./support/stack.js";

const FOLDER = fileURLToPath(new URL("../docs/images/", import.meta.url));
const WORKER = "billing-7c9f";
const CHARGE = "billing.charge-card";
const EXPORT = "billing.export-ledger";
const FLAKY = "charge-2026-0042";

if (CHROMIUM === undefined) {
  process.stderr.write(`${HOW_TO_GET_IT}\n`);
  process.exit(1);
}
mkdirSync(FOLDER, { recursive: true });
const stack = await Stack.start({ works: false });
const { client } = stack;
await client.register(WORKER, "billing", [CHARGE, EXPORT]);

const charge = (cents: number): object => ({
  card: "card_visa",
  cents,
  currency: "EUR",
  customer: "c_1970670598291982290",
});

async function start(id: string, type: string, queue: string, input: unknown, more: object = {}): Promise<void> {
  await client.started(type, queue, { activity_id: id, input: [input], ...more });
}

async function take(): Promise<Held> {
  const held = await client.take(WORKER, "billing", { timeout_seconds: 5 });
  if (held === undefined) throw new Error("there is nothing to take");
  return held;
}

function outage(attempt: number): object {
  const message = "connect ECONNREFUSED 10.0.3.4:443";
  const stack_trace = `ConnectError: ${message}\n    at charge (src/gateway.ts:${40 + attempt}:9)\n    at node:internal/process/task_queues:95:5`;
  return { failure: { message, type: "ConnectError", stack_trace } };
}

for (let number = 1; number <= 22; number++) {
  await start(`charge-2026-${String(number).padStart(4, "0")}`, CHARGE, "billing", charge(900 + number * 100));
  const held = await take();
  await sleep(40 + ((number * 37) % 90));
  await client.report("complete", held, { result: { chargeId: `ch_${number}` } });
}
await start("charge-2026-0023", CHARGE, "billing", charge(0));
await client.report("fail", await take(), {
  failure: { message: "the amount must be positive", type: "InvalidAmount", non_retryable: true },
});
for (const number of [1, 2, 3]) await start(`receipt-${number}`, "mail.send-receipt", "mail", `ch_${number}`);
await start("charge-2026-0024", CHARGE, "billing", charge(4200), {
  retry_policy: { max_attempts: 5, backoff_seconds: [90] },
});
await client.report("fail", await take(), outage(1));
await start(FLAKY, CHARGE, "billing", charge(12_900), { retry_policy: { max_attempts: 3, backoff_seconds: [1, 2] } });
for (const attempt of [1, 2]) {
  const held = await take();
  await sleep(600 * attempt);
  await client.report("fail", held, outage(attempt));
}
const last = await take();
await sleep(900);
await client.report("complete", last, { result: { chargeId: "ch_2026_0042", settled: true } });
await start("ledger-2026", EXPORT, "billing", 2026, { heartbeat_timeout_seconds: 60 });
const running = await take();
for (let month = 1; month <= 5; month++) {
  await client.report("heartbeat", running, { current: month, total: 12, unit: "months" });
  await sleep(150);
}

const browser = await launch();
for (const [name, hash, height, colorScheme] of [
  ["overview", "#/", 760, "light"],
  ["list", "#/l", 620, "light"],
  ["activity", `#/a/${FLAKY}?tab=failures`, 860, "light"],
  ["activity-dark", `#/a/${FLAKY}`, 720, "dark"],
] as const) {
  const options = {
    viewport: { width: 1200, height },
    colorScheme,
    timezoneId: "UTC",
    reducedMotion: "reduce" as const,
  };
  const watched = await WatchedPage.open(browser, stack.url, hash, options);
  await watched.page.getByRole("heading", { level: 1 }).waitFor();
  await watched.page.waitForTimeout(1500);
  await watched.page.screenshot({ path: join(FOLDER, `inspector-${name}.png`) });
  await watched.close();
}
await browser.close();
await stack.close();
