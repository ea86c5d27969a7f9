import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineActivity } from "../activity/definition/define-activity.js";
import { fetchInvocableActivityHandler } from "../adapters/fetch.js";
import { bearerToken, type InvocableHttpOptions } from "./index.js";
import { ACTIVITY_MANIFEST_MEDIA_TYPE, activityManifest, readActivityManifest, readInputSchemas } from "./manifest.js";

const handlers = { "lamps.dim": () => 1, "lamps.count": () => 2 };
const ACCEPT = { accept: ACTIVITY_MANIFEST_MEDIA_TYPE };

const MANIFEST = { schema: "durable-workflow.activity-manifest", version: 1, activity_types: ["lamps.dim"] };
/** A schema from before Standard JSON Schema, with a method of its own. */
const old = {
  "~standard": { version: 1, vendor: "old", validate: (value: unknown) => ({ value }) },
  toJSONSchema: ({ io }: { readonly io: string }) => ({ $schema: "any", type: io === "input" ? "number" : "string" }),
} as const;

async function ask(options: InvocableHttpOptions, headers: Record<string, string> = ACCEPT, method = "GET") {
  const carrier = fetchInvocableActivityHandler(handlers, options);
  const response = await carrier(new Request("http://carrier.test/", { method, headers }));
  const text = await response.text();
  return { status: response.status, type: response.headers.get("content-type"), body: JSON.parse(text || "null") };
}

describe("a carrier's manifest", () => {
  it("names its activity types to who asks for it", async () => {
    const manifest = activityManifest();
    const answer = await ask({ manifest, carrier: "lamps" });
    expect(answer).toEqual({
      status: 200,
      type: ACTIVITY_MANIFEST_MEDIA_TYPE,
      body: {
        schema: "durable-workflow.activity-manifest",
        version: 1,
        carrier: "lamps",
        activity_types: ["lamps.dim", "lamps.count"],
      },
    });
    expect(readActivityManifest(answer.body)).toEqual(["lamps.dim", "lamps.count"]);
  });

  it("is behind the gate, and no browser gets it where there is none", async () => {
    const manifest = activityManifest();
    const auth = bearerToken("secret-token");
    expect(await ask({ manifest, auth })).toMatchObject({ status: 401 });
    expect(await ask({ manifest, auth, health: true })).toMatchObject({ status: 401 });
    const authorization = "Bearer secret-token";
    expect(await ask({ manifest, auth }, { ...ACCEPT, authorization })).toMatchObject({ status: 200 });
    expect(await ask({ manifest }, { ...ACCEPT, origin: "http://evil.test" })).toMatchObject({ status: 403 });
  });

  it("is there only where the carrier allows it, and leaves health checks alone", async () => {
    expect(await ask({})).toMatchObject({ status: 405 });
    expect(await ask({ health: true })).toMatchObject({ status: 200, body: { status: "ok" } });
    const manifest = activityManifest();
    expect(await ask({ manifest, health: true }, {})).toMatchObject({ status: 200, body: { status: "ok" } });
    expect(await ask({ manifest }, {})).toMatchObject({ status: 405 });
    expect(await ask({ manifest }, ACCEPT, "PUT")).toMatchObject({ status: 405 });
  });

  it("tells of arguments where it was given the activities, as far as their schemas can", async () => {
    const schemasOf = {
      "lamps.dim": defineActivity({ input: [z.string(), z.object({ percent: z.number().int() })], run: () => 1 }),
      "lamps.list": defineActivity({ input: z.tuple([z.string()], z.number()), run: () => 1 }),
      "lamps.name": defineActivity({ input: [type("string"), v.string()], run: () => 1 }),
      "lamps.now": defineActivity({ input: [], run: () => 1 }),
      "lamps.dated": defineActivity({ input: [z.date()], run: () => 1 }),
      "lamps.untold": defineActivity({ input: [v.string()], run: () => 1 }),
      "lamps.plain": () => 1,
      key: defineActivity({ name: "lamps.named", input: [old], run: () => 1 }),
    };
    const carrier = fetchInvocableActivityHandler(schemasOf, { manifest: activityManifest({ schemasOf }) });
    const response = await carrier(new Request("http://carrier.test/", { headers: ACCEPT }));
    const body = (await response.json()) as { readonly input_schemas: unknown };
    const list = (...prefixItems: readonly object[]) => ({ type: "array", prefixItems, items: false });
    const percent = { type: "integer", minimum: -9007199254740991, maximum: 9007199254740991 };
    const dim = { type: "object", properties: { percent }, required: ["percent"] };
    expect(body.input_schemas).toEqual({
      "lamps.dim": list({ type: "string" }, dim),
      "lamps.list": { type: "array", minItems: 1, prefixItems: [{ type: "string" }], items: { type: "number" } },
      "lamps.name": list({ type: "string" }, {}),
      "lamps.now": list(),
      "lamps.named": list({ type: "number" }),
    });
    expect([...readInputSchemas(body).keys()]).toHaveLength(5);
  });

  it("tells of no activity that the carrier does not serve, and of none where it was not told to", async () => {
    const schemasOf = {
      "lamps.dim": defineActivity({ input: [z.string()], run: () => 1 }),
      other: handlers["lamps.dim"],
    };
    expect((await ask({ manifest: activityManifest({ schemasOf }) })).body.input_schemas).toEqual({
      "lamps.dim": { type: "array", prefixItems: [{ type: "string" }], items: false },
    });
    const { other } = schemasOf;
    expect((await ask({ manifest: activityManifest({ schemasOf: { other } }) })).body).not.toHaveProperty(
      "input_schemas",
    );
    expect((await ask({ manifest: activityManifest() })).body).not.toHaveProperty("input_schemas");
  });

  it("takes no options of other names", () => {
    expect(() => activityManifest({ schemas: {} } as never)).toThrow(/^activityManifest has no option "schemas"/);
    expect(() => activityManifest({ schemasOf: 1 } as never)).toThrow(/^schemasOf must be/);
  });

  it.each([
    [{ ...MANIFEST, input_schemas: [] }],
    [{ ...MANIFEST, input_schemas: { "lamps.dim": "text", other: {} } }],
    [{ ...MANIFEST, activity_types: ["toString"], input_schemas: {} }],
    [{ status: "ok", input_schemas: { "lamps.dim": {} } }],
    [null],
  ])("says nothing of arguments in %j", (document) => {
    expect([...readInputSchemas(document)]).toEqual([]);
  });

  it("must be what activityManifest makes", async () => {
    await expect(ask({ manifest: true as never })).rejects.toThrow(/^manifest must be/);
  });

  it.each([
    [null],
    ["text"],
    [{ status: "ok" }],
    [{ schema: "durable-workflow.activity-manifest", version: 2, activity_types: [] }],
    [{ schema: "durable-workflow.activity-manifest", version: 1, activity_types: "lamps" }],
    [{ schema: "durable-workflow.activity-manifest", version: 1, activity_types: [""] }],
    [{ schema: "durable-workflow.activity-manifest", version: 1, activity_types: [7] }],
  ])("is not read from %j", (document) => {
    expect(readActivityManifest(document)).toBeUndefined();
  });
});
