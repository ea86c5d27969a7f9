import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { expect, it } from "vitest";
import { type ActivityDetail, type ActivityList, ROUTES } from "../src/index.js";
import { openInspected } from "./support/inspected.js";

/** What others wrote, and how much of it: text to its last character, and bounded. */

const HOSTILE = [
  "<script>alert(1)</script>",
  "\u202eevil\u202c",
  "a\u0000b\u001b[31m\u0007",
  "\u200b\u2028\u2029",
  "x".repeat(60_000),
  "👩‍👩‍👧‍👦".repeat(3_000),
  "%00%2e%2e/?#&=+",
  "{{constructor}}",
  '\\u0022],"error":{',
];

it.each(HOSTILE.map((text) => [text.slice(0, 30), text] as const))(
  "a failure that says %j is told as text",
  async (_, text) => {
    const { client, get } = await openInspected();
    await client.register("w1", "lamps", ["glow"]);
    await client.started("glow", "lamps", { activity_id: "x" });
    const held = await client.take("w1", "lamps");
    if (held === undefined) throw new Error("there is no task");
    await client.report("fail", held, {
      failure: { message: text, type: text.slice(0, 200), stack_trace: text.repeat(2).slice(0, 100_000) },
    });
    const { body, text: answer, headers } = await get(`${ROUTES.activity}?id=x`);
    const { failure, row } = body as ActivityDetail;
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    // The engine replaces what its database could not give back.
    const kept = text.replaceAll("\u0000", failure?.message.includes("\ufffd") === true ? "\ufffd" : "\u0000");
    expect(kept.startsWith(failure?.message ?? "-") || failure?.message === kept).toBe(true);
    expect(failure?.message.length).toBeLessThanOrEqual(8_000);
    expect(failure?.isCut).toBe(text.length > 8_000 || text.length * 2 > 64_000);
    expect(row.failure?.message.length).toBeLessThanOrEqual(200);
    expect(row.failure?.message).not.toMatch(/[\n\u2028]/);
    expect(answer).not.toMatch(/\p{Surrogate}/u);
    const list = (await get(ROUTES.activities)).text;
    expect(list.length).toBeLessThan(3_000);
  },
);

it("a heartbeat, a type, a queue and a worker of any name are told as they are", async () => {
  const { client, get } = await openInspected();
  const name = "\u202e<img src=x onerror=alert(1)> 'é/%2f?#";
  await client.register("worker", name, [name]);
  await client.started(name, name, { activity_id: "x", business_key: name });
  const { rows } = (await get(`${ROUTES.activities}?type=${encodeURIComponent(encodeURIComponent(name))}`))
    .body as ActivityList;
  expect(rows).toMatchObject([{ type: name, queue: name, businessKey: name }]);
  const { queues } = (await get(ROUTES.queues)).body;
  expect(queues).toMatchObject([{ queue: name, workers: [{ types: [name] }] }]);
});

it("ids that nobody has are not found, however they are written", async () => {
  const { get, act } = await openInspected();
  for (const id of ["..", ".", "/", "%2e%2e", "\u0000", "a/../b", "é", "?", "#", "x".repeat(255), "\ud800"]) {
    const wellFormed = id.replaceAll(/\p{Surrogate}/gu, "\ufffd");
    const { status } = await get(`${ROUTES.activity}?id=${encodeURIComponent(wellFormed)}`);
    expect([404, 400], JSON.stringify(id)).toContain(status);
    for (const action of ["cancel", "start_again"] as const) {
      const outcome = await act({ action, id }).catch((error: unknown) => error);
      expect(JSON.stringify(outcome instanceof Error ? outcome.message : outcome), JSON.stringify(id)).toContain(
        "not_found",
      );
    }
  }
  expect((await get(`${ROUTES.activity}?id=${"x".repeat(300)}`)).status).toBe(400);
});

it("a payload of 5 MB goes to the page by parts alone, exactly, and not in the middle of a character", async () => {
  const { client, get } = await openInspected({ engine: { maxBodyBytes: 16 * 1024 * 1024 } });
  const value = ["😀".repeat(1_250_000), 2n ** 60n];
  const blob = encodeAvroValue(value);
  await client.started("glow", "lamps", { activity_id: "big", input: { codec: "avro", blob } });
  const detail = await get(`${ROUTES.activity}?id=big`);
  expect(detail.text.length).toBeLessThan(16_000);
  expect((detail.body as ActivityDetail).input).toMatchObject({ state: "large", json: null });
  expect((detail.body as ActivityDetail).input.sizeBytes).toBeGreaterThan(5_000_000);
  for (const path of [ROUTES.activities, ROUTES.overview, `${ROUTES.history}?id=big`, `${ROUTES.wire}?id=big`]) {
    expect((await get(path)).text.length, path).toBeLessThan(300_000);
  }
  let text = "";
  let offset: number | null = 0;
  let total = 0;
  while (offset !== null) {
    const { body } = await get(`${ROUTES.payload}?id=big&slot=input&offset=${offset}`);
    expect(body.text.length).toBeLessThanOrEqual(65_536);
    text += body.text;
    offset = body.nextOffset;
    total = body.totalCharacters;
  }
  expect(text.length).toBe(total);
  expect(JSON.parse(text)).toEqual([value[0], { $type: "long", value: String(2n ** 60n) }]);
  const download = await get(`${ROUTES.payloadBytes}?id=big&slot=input`);
  expect(download.headers["content-disposition"]).toBe('attachment; filename="input.avro"');
  expect(Number(download.headers["content-length"])).toBe(Buffer.from(blob, "base64").length);
  for (const query of [
    "id=big&slot=result",
    "id=big&slot=odd",
    "id=none&slot=input",
    "id=big&slot=input&length=70000",
  ]) {
    expect([400, 404], query).toContain((await get(`${ROUTES.payload}?${query}`)).status);
  }
});
