import { describe, expect, it } from "vitest";
import { fetchInvocableActivityHandler } from "../adapters/fetch.js";
import { bearerToken, type InvocableHttpOptions } from "./index.js";
import { ACTIVITY_MANIFEST_MEDIA_TYPE, activityManifest, readActivityManifest } from "./manifest.js";

const handlers = { "lamps.dim": () => 1, "lamps.count": () => 2 };
const ACCEPT = { accept: ACTIVITY_MANIFEST_MEDIA_TYPE };

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
