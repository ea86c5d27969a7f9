import { createLocalEngine } from "@durable-workflow/local-engine";
import { Client } from "@durable-workflow/test-support/engine-client";
import { send } from "@durable-workflow/test-support/send";
import { expect, it, onTestFinished } from "vitest";
import { begin, folderOf, root } from "./support/cli.js";
import { runHere } from "./support/run-here.js";

/** The page: where it is served, by whom, and for whom. */

const FILES = "examples/billing/src/activities.ts";

async function locked(): Promise<{ readonly url: string; readonly client: Client; readonly token: string }> {
  const token = "operator-token-1f2e3d";
  const engine = createLocalEngine({ file: ":memory:", auth: { operatorToken: token, workerToken: "w-token" } });
  onTestFinished(() => engine.close());
  const { url } = await engine.listen();
  return { url, client: new Client(url, { operatorToken: token, workerToken: "w-token" }), token };
}

const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
const get = (url: string, path: string): ReturnType<typeof send> => send(url, { method: "GET", path });

it("dev serves the page of its engine, with the carriers of its dispatcher, and names its URL", async () => {
  const cwd = folderOf();
  const dev = begin(["dev", `${root}${FILES}`, "--memory", "--engine-port", "0", "--json"], { cwd });
  const [, pageUrl = ""] = await dev.until(/"pageUrl":"([^"]+)"/);
  const url = pageUrl.replace(/\/$/, "");
  const charge = { idempotencyKey: "i-1", card: "card_visa", cents: 100, currency: "EUR" };
  const started = await runHere([
    "start",
    "billing.charge-card",
    JSON.stringify(charge),
    "--id",
    "c-1",
    "--server",
    url,
  ]);
  expect(started.code, started.stderr).toBe(0);
  const capabilities = json((await get(url, "/inspect/capabilities")).text);
  expect(capabilities).toMatchObject({ kind: "local", servedBy: "dev", features: { carriers: true } });
  const overview = json((await get(url, "/inspect/overview")).text);
  expect(overview).toMatchObject({
    counts: { byStatus: { succeeded: 1 } },
    carriers: [{ name: "dev", breaker: "closed", failuresInRow: 0, lastError: null }],
  });
  // The engine itself is where it was.
  expect((await get(url, "/api/health")).status).toBe(200);
  const wire = json((await get(url, "/inspect/wire?id=c-1")).text) as { documents: { explained: string | null }[] };
  expect(wire.documents.some(({ explained }) => explained?.includes("ayload") === true)).toBe(true);
});

it("engine serves its page too", async () => {
  const engine = begin(["engine", "--memory", "--port", "0", "--json"], { cwd: folderOf() });
  const [, pageUrl = ""] = await engine.until(/"pageUrl":"([^"]+)"/);
  const answer = await get(pageUrl.replace(/\/$/, ""), "/inspect/capabilities");
  expect(json(answer.text)).toMatchObject({ servedBy: "engine", features: { carriers: false } });
});

it("ui shows an engine with tokens, and gives its token to nobody", async () => {
  const { url: engineUrl, client, token } = await locked();
  await client.started("glow", "lamps", { activity_id: "x" });
  const args = ["ui", "--server", engineUrl, "--token-env", "OPERATOR", "--port", "0", "--json"];
  const ui = begin(args, { env: { OPERATOR: token } });
  const [, pageUrl = ""] = await ui.until(/"pageUrl":"([^"]+)"/);
  const url = pageUrl.replace(/\/$/, "");
  let all = "";
  for (const view of [
    "capabilities",
    "overview",
    "activities",
    "activity?id=x",
    "wire?id=x",
    "types",
    "queues",
    "workers",
  ]) {
    const { status, text, headers } = await get(url, `/inspect/${view}`);
    expect(status, view).toBe(200);
    all += text + JSON.stringify(headers);
  }
  expect(all).toContain("--token-env OPERATOR");
  expect(all + ui.stdout + ui.stderr).not.toContain(token);
  expect(
    (await send(url, { method: "GET", path: "/inspect/overview", headers: { Host: "evil.example" } })).status,
  ).toBe(403);
  const action = await send(url, {
    method: "POST",
    path: "/inspect/action",
    headers: { "Content-Type": "application/json", "x-dw-inspector": "1" },
    body: '{"action":"cancel","id":"x"}',
  });
  expect(json(action.text)).toMatchObject({
    done: true,
    command: `dw-carrier cancel x --server ${engineUrl} --token-env OPERATOR`,
  });
  expect((await client.describe("x")).status).toBe("cancelled");
});

it("ui tells a wrong token, a wrong address and an open door before it serves anything", async () => {
  const { url } = await locked();
  const wrong = await runHere(["ui", "--server", url, "--token-env", "T", "--port", "0"], { env: { T: "of-nobody" } });
  expect([wrong.code, wrong.stderr]).toEqual([78, expect.stringContaining("the engine does not know the token")]);
  const none = await runHere(["ui", "--server", "http://127.0.0.1:1", "--port", "0"]);
  expect(none.code).toBe(69);
  const open = await runHere(["ui", "--server", url, "--host", "0.0.0.0"]);
  expect([open.code, open.stderr]).toEqual([2, expect.stringContaining("would let everybody in")]);
  const empty = await runHere(["ui", "--server", url, "--password-env", "NOT_SET"]);
  expect(empty.code).toBe(78);
});

it("overview, drain and resume say the same as the page, as text and as JSON", async () => {
  const engine = createLocalEngine({ file: ":memory:" });
  onTestFinished(() => engine.close());
  const { url } = await engine.listen();
  await new Client(url).started("glow", "lamps");
  const text = await runHere(["overview", "--server", url]);
  expect([text.code, text.stdout]).toEqual([
    0,
    expect.stringContaining("1 queued, the oldest for 0s: no worker asks for this queue."),
  ]);
  const document = json((await runHere(["overview", "--server", url, "--json"])).stdout);
  expect(document).toMatchObject({ counts: { byStatus: { queued: 1 } }, carriers: null });
  const drained = await runHere(["drain", "lamps", "--server", url, "--json"]);
  expect(json(drained.stdout)).toEqual({ queue: "lamps", draining: true });
  const refused = await runHere(["start", "glow", "[]", "--queue", "lamps", "--server", url, "--detach"]);
  expect(refused.code).toBe(1);
  expect((await runHere(["resume", "lamps", "--server", url])).stdout).toBe(
    "Queue lamps takes new activities again.\n",
  );
  expect((await runHere(["start", "glow", "[]", "--queue", "lamps", "--server", url, "--detach"])).code).toBe(0);
});
