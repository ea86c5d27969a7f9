import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { Client } from "@durable-workflow/test-support/engine-client";
import { freePort } from "@durable-workflow/test-support/loopback";
import { until } from "@durable-workflow/test-support/patience";
import { expect, it } from "vitest";
import { type ActivityRow, ROUTES } from "../src/index.js";
import { Ring } from "../src/live/ring.js";
import { cleanUp, openInspected, serve } from "./support/inspected.js";
import { StreamReader } from "./support/stream.js";
import { transportTo } from "./support/transport.js";

/** What those who watch are told, and that it stays bounded. */

const rowsOf = (reader: StreamReader): readonly ActivityRow[] => reader.of("rows").flatMap(({ data }) => data.rows);
const readerOf = (url: string, query = "", headers = {}): StreamReader =>
  new StreamReader(`${url}/${ROUTES.events}${query}`, headers);

it("tells how each activity stands, newer ones by a greater version", async () => {
  const { client, url } = await openInspected();
  const reader = readerOf(url);
  await reader.until(() => reader.of("hello").length === 1, "hello");
  expect(reader.told[0]?.data).toMatchObject({ resumed: false, engine: { state: "up" } });
  await client.register("w1", "lamps", ["glow"]);
  await client.started("glow", "lamps", { activity_id: "x" });
  await reader.until(() => rowsOf(reader).some(({ status }) => status === "queued"), "queued");
  const held = await client.take("w1", "lamps");
  if (held === undefined) throw new Error("there is no task");
  await reader.until(() => rowsOf(reader).some(({ status }) => status === "running"), "running");
  await client.report("heartbeat", held, { current: 1, total: 2 });
  await reader.until(() => rowsOf(reader).some(({ progress }) => progress?.current === 1), "progress");
  await client.report("complete", held, { result: null });
  await reader.until(() => rowsOf(reader).some(({ status }) => status === "succeeded"), "the end");
  const versions = rowsOf(reader).map(({ version }) => version);
  expect(versions).toEqual([...versions].toSorted((one, other) => one - other));
});

it("goes on where a reader was, and says so where it cannot", async () => {
  const { client, url } = await openInspected();
  const first = readerOf(url);
  await first.until(() => first.of("hello").length === 1, "hello");
  await client.started("glow", "lamps", { activity_id: "one" });
  await first.until(() => rowsOf(first).length > 0, "rows");
  const { lastId = "" } = first;
  first.leave();
  await client.started("glow", "lamps", { activity_id: "two" });
  const keeper = readerOf(url);
  await keeper.until(() => rowsOf(keeper).length > 0 || keeper.of("hello").length > 0, "hello");
  await sleep(600);
  const second = readerOf(url, "", { "last-event-id": lastId });
  await second.until(() => rowsOf(second).length > 0, "what was missed");
  expect(second.of("hello")[0]?.data.resumed).toBe(true);
  expect(rowsOf(second).map(({ id }) => id)).toEqual(["two"]);
  const byQuery = readerOf(url, `?after=${encodeURIComponent(lastId)}`);
  await byQuery.until(() => rowsOf(byQuery).length > 0, "what was missed");
  for (const unknown of ["00000000.1", "nonsense", lastId.replace(/\.\d+$/, ".999999")]) {
    const lost = readerOf(url, "", { "last-event-id": unknown });
    await lost.until(() => lost.of("hello").length === 1, "hello");
    expect(lost.of("hello")[0]?.data.resumed, unknown).toBe(false);
  }
});

it("an engine that is started anew is told: lost, up, and that everything is to be read anew", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stream-"));
  cleanUp(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, "engine.db");
  const first = createLocalEngine({ file });
  const { url: engineUrl, port } = await first.listen({ port: await freePort() });
  const url = await serve({ transport: transportTo(engineUrl), engineUrl });
  const reader = readerOf(url, "?overview=1");
  await reader.until(() => reader.of("hello").length === 1, "hello");
  await new Client(engineUrl).started("glow", "lamps", { activity_id: "before" });
  await reader.until(() => rowsOf(reader).length === 1, "rows");
  await first.close();
  await reader.until(() => reader.of("engine").some(({ data }) => data.state === "lost"), "lost");
  const late = readerOf(url);
  await late.until(() => late.of("hello").length === 1, "hello");
  expect(late.of("hello")[0]?.data.engine.state).toBe("lost");
  const second = createLocalEngine({ file });
  cleanUp(() => second.close());
  await second.listen({ port });
  await reader.until(() => reader.of("reset").some(({ data }) => data.reason === "engine_back"), "back");
  expect(reader.of("engine").map(({ data }) => data.state)).toEqual(["lost", "up"]);
  await new Client(engineUrl).started("glow", "lamps", { activity_id: "after" });
  await reader.until(() => rowsOf(reader).some(({ id }) => id === "after"), "rows of the new engine");
  await reader.until(
    () => reader.of("overview").some(({ data }) => data.counts.byStatus.queued === 2),
    "an overview of both",
  );
});

it("has room for so many readers, and lets them know", async () => {
  const { url, get } = await openInspected();
  const readers = Array.from({ length: 100 }, () => readerOf(url));
  for (const reader of readers) await reader.until(() => reader.of("hello").length === 1, "hello");
  const { status, body } = await get(ROUTES.events);
  expect([status, body.error.code, body.error.retryAfterSeconds]).toEqual([503, "too_many_readers", 10]);
  readers[0]?.leave();
  await until(async () => {
    const again = readerOf(url);
    await again.until(() => again.isOver || again.of("hello").length === 1, "a place, or none");
    return again.status === 200;
  }, "a free place");
});

it("more activities than can be told one by one are told by a word: read anew", async () => {
  const { client, url } = await openInspected();
  const reader = readerOf(url);
  await reader.until(() => reader.of("hello").length === 1, "hello");
  // All in one go: before the first of them is told there are too many.
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 600 }, () => client.start("glow", "lamps")));
  }
  await reader.until(() => rowsOf(reader).length + reader.of("reset").length * 2_000 > 100, "what happened");
  for (const { data } of reader.of("rows")) expect(data.rows.length).toBeLessThanOrEqual(200);
  // It can be followed further.
  await client.started("glow", "lamps", { activity_id: "last" });
  await reader.until(() => rowsOf(reader).some(({ id }) => id === "last"), "the last one");
});

it("keeps the last events within so many characters, however many come", () => {
  const ring = new Ring(1_000);
  for (let sequence = 1; sequence <= 10_000; sequence++) ring.add({ sequence, text: "x".repeat(100) });
  expect(ring.after(9_990, 10_000)).toHaveLength(10);
  expect(ring.after(9_989, 10_000)).toBeUndefined();
  expect(ring.after(10_000, 10_000)).toEqual([]);
  expect(ring.after(10_001, 10_000)).toBeUndefined();
});
