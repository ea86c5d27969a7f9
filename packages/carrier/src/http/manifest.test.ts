import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineActivity } from "../activity/definition/define-activity.js";
import { InvocableActivityHandler } from "../activity/handler.js";
import type { InvocableHandler } from "../activity/invocable-handler.js";
import { fetchInvocableActivityHandler } from "../adapters/fetch.js";
import { bearerToken, type InvocableHttpOptions } from "./index.js";
import {
  ACTIVITY_MANIFEST_MEDIA_TYPE,
  type ActivityManifest,
  activityManifest,
  inputSchemasOf,
  readActivityManifest,
  readInputSchemas,
} from "./manifest.js";

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

async function manifestFrom(carrier: (request: Request) => Promise<Response>): Promise<Record<string, unknown>> {
  const response = await carrier(new Request("http://carrier.test/", { headers: ACCEPT }));
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
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

  it("is made for those alone whom the gate has let in", async () => {
    let asked = 0;
    const schemasOf = new Proxy({}, { ownKeys: () => (asked++, []) });
    const options = { manifest: activityManifest({ schemasOf }), auth: bearerToken("secret-token") };
    expect(await ask(options)).toMatchObject({ status: 401 });
    expect(asked).toBe(0);
    expect(await ask(options, { ...ACCEPT, authorization: "Bearer secret-token" })).toMatchObject({ status: 200 });
    expect(asked).toBe(1);
  });

  it.each([
    [
      "throws",
      {
        get: () => {
          throw new Error("secret words");
        },
      },
    ],
    ["are no Map", { value: { "lamps.dim": {} } }],
    ["are no JSON", { value: new Map([["lamps.dim", { minimum: 1n }]]) }],
  ])("is answered with 502 where what a handler says of its arguments %s", async (_, inputSchemas) => {
    const inner = new InvocableActivityHandler(handlers);
    const { carrier, activityTypes } = inner;
    const handle = inner.handle.bind(inner);
    const own = Object.defineProperty({ carrier, activityTypes, handle }, "inputSchemas", inputSchemas);
    const answering = fetchInvocableActivityHandler(own as InvocableHandler, { manifest: activityManifest() });
    const response = await answering(new Request("http://carrier.test/", { headers: ACCEPT }));
    expect([response.status, await response.text()]).toEqual([502, expect.not.stringContaining("secret words")]);
  });

  it("is there only where the carrier allows it, and leaves health checks alone", async () => {
    expect(await ask({})).toMatchObject({ status: 405 });
    expect(await ask({ health: true })).toMatchObject({ status: 200, body: { status: "ok" } });
    const manifest = activityManifest();
    expect(await ask({ manifest, health: true }, {})).toMatchObject({ status: 200, body: { status: "ok" } });
    expect(await ask({ manifest }, {})).toMatchObject({ status: 405 });
    expect(await ask({ manifest }, ACCEPT, "PUT")).toMatchObject({ status: 405 });
  });

  it("tells of arguments, as far as their schemas can", async () => {
    const tree: z.ZodType = z.object({ lamp: z.string(), below: z.lazy(() => z.array(tree)) });
    const carried = {
      "lamps.dim": defineActivity({ input: [z.string(), z.object({ percent: z.number().int() })], run: () => 1 }),
      "lamps.list": defineActivity({ input: z.tuple([z.string()], z.number()), run: () => 1 }),
      "lamps.name": defineActivity({ input: [type("string"), v.string()], run: () => 1 }),
      "lamps.now": defineActivity({ input: [], run: () => 1 }),
      "lamps.dated": defineActivity({ input: [z.date()], run: () => 1 }),
      "lamps.since": defineActivity({ input: [z.object({ at: z.date(), watts: z.number() })], run: () => 1 }),
      "lamps.tree": defineActivity({ input: [z.string(), tree], run: () => 1 }),
      "lamps.untold": defineActivity({ input: [v.string()], run: () => 1 }),
      "lamps.plain": () => 1,
      key: defineActivity({ name: "lamps.named", input: [old], run: () => 1 }),
    };
    const list = (...prefixItems: readonly object[]) => ({ type: "array", prefixItems, items: false });
    const object = (properties: Readonly<Record<string, object>>) => {
      return { type: "object", properties, required: Object.keys(properties) };
    };
    const percent = { type: "integer", minimum: -9007199254740991, maximum: 9007199254740991 };
    const expected = {
      "lamps.dim": list({ type: "string" }, object({ percent })),
      "lamps.list": { type: "array", minItems: 1, prefixItems: [{ type: "string" }], items: { type: "number" } },
      "lamps.name": list({ type: "string" }, {}),
      "lamps.now": list(),
      "lamps.since": list(object({ at: {}, watts: { type: "number" } })),
      // What refers to itself says what "itself" is.
      "lamps.tree": list(
        { type: "string" },
        expect.objectContaining({
          $id: "argument-1",
          properties: { lamp: { type: "string" }, below: { type: "array", items: { $ref: "#" } } },
        }),
      ),
      "lamps.named": list({ type: "number" }),
    };
    const manifest = activityManifest();
    for (const given of [carried, new Map(Object.entries(carried)), new InvocableActivityHandler(carried)]) {
      const body = await manifestFrom(fetchInvocableActivityHandler(given as typeof carried, { manifest }));
      expect(body.input_schemas).toEqual(expected);
      expect([...readInputSchemas(body).keys()]).toEqual(Object.keys(expected));
    }
  });

  it("tells what a handler of one's own says, as it says it now, or the activities that it was given", async () => {
    const dim = defineActivity({ input: [z.string()], run: () => 1 });
    const inner = new InvocableActivityHandler({ "lamps.dim": dim });
    const expected = { "lamps.dim": { type: "array", prefixItems: [{ type: "string" }], items: false } };
    const { carrier, activityTypes } = inner;
    const silent = { carrier, activityTypes, handle: inner.handle.bind(inner) };
    let inputSchemas: InvocableHandler["inputSchemas"] = new Map();
    const telling = {
      ...silent,
      get inputSchemas() {
        return inputSchemas;
      },
    };
    const ofTelling = fetchInvocableActivityHandler(telling, { manifest: activityManifest() });
    expect(await manifestFrom(ofTelling)).not.toHaveProperty("input_schemas");
    inputSchemas = inputSchemasOf(inner);
    expect((await manifestFrom(ofTelling)).input_schemas).toEqual(expected);

    const told = async (manifest: ActivityManifest) =>
      (await manifestFrom(fetchInvocableActivityHandler(silent, { manifest }))).input_schemas;
    expect(await told(activityManifest())).toBeUndefined();
    expect(await told(activityManifest({ schemasOf: { "lamps.dim": dim, other: dim } }))).toEqual(expected);
    const ofInner = fetchInvocableActivityHandler(inner, { manifest: activityManifest({ schemasOf: {} }) });
    expect(await manifestFrom(ofInner)).not.toHaveProperty("input_schemas");
  });

  it("stays small enough to be read, and whole, whatever schemas say", async () => {
    const saying = (toJSONSchema: () => unknown) =>
      defineActivity({ input: [{ ...old, toJSONSchema: toJSONSchema as typeof old.toJSONSchema }], run: () => 1 });
    const text = (length: number) => () => ({ type: "string", description: "x".repeat(length) });
    const circle: Record<string, unknown> = {};
    circle["circle"] = circle;
    const odd = [() => circle, () => "text", () => ({ toJSON: () => 1 }), () => Promise.resolve({ type: "string" })];
    const carried = Object.fromEntries([
      ["long", saying(text(70_000))],
      ...odd.map((say, index) => [`odd${index}`, saying(say)] as const),
      ...Array.from({ length: 40 }, (_, index) => [`many${index}`, saying(text(60_000))] as const),
    ]);
    const body = await manifestFrom(fetchInvocableActivityHandler(carried, { manifest: activityManifest() }));
    expect(readActivityManifest(body)).toHaveLength(45);
    const told = [...readInputSchemas(body).keys()];
    expect(told).toEqual(Array.from({ length: 17 }, (_, index) => `many${index}`));
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
