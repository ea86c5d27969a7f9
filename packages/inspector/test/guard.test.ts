import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CONTENT_SECURITY_POLICY } from "../src/http/request-handler.js";
import { ACTION_HEADER, ACTION_HEADER_VALUE, ROUTES } from "../src/index.js";
import { cleanUp, type Inspected, openInspected } from "./support/inspected.js";

/** Who is let in, and what nobody gets. */

const PORT = (url: string): string => new URL(url).port;
const views = Object.values(ROUTES).filter((path) => path !== ROUTES.action && path !== ROUTES.events);

function folderWithPage(): string {
  const folder = mkdtempSync(join(tmpdir(), "page-"));
  cleanUp(() => {
    rmSync(folder, { recursive: true });
  });
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>page</title>");
  writeFileSync(join(folder, "assets", "app-0123456789ab.js"), "export {};");
  return folder;
}

const act = (
  { send }: Inspected,
  headers: Readonly<Record<string, string>>,
  body = JSON.stringify({ action: "cancel", id: "x" }),
): ReturnType<Inspected["send"]> =>
  send(
    "POST",
    ROUTES.action,
    { "content-type": "application/json", [ACTION_HEADER]: ACTION_HEADER_VALUE, ...headers },
    body,
  );

describe("without a password", () => {
  it.each(["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "page.localhost"])(
    "answers to the name %s",
    async (name) => {
      const { get, url } = await openInspected();
      expect((await get(ROUTES.overview, { host: `${name}:${PORT(url)}` })).status).toBe(200);
    },
  );

  it.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "0.0.0.0",
    "10.0.0.1",
    "a@127.0.0.1",
    "",
  ])("a page that reaches us by the name %j of its own (DNS rebinding) is refused everything", async (name) => {
    const inspected = await openInspected({ inspector: { pageFolder: folderWithPage() } });
    const host = `${name}:${PORT(inspected.url)}`;
    for (const path of ["", "assets/app-0123456789ab.js", ...views, ROUTES.events]) {
      const { status, text } = await inspected.get(path, { host });
      expect(status, path).toBe(403);
      expect(text).toContain("forbidden");
    }
    expect((await act(inspected, { host })).status).toBe(403);
  });

  it.each(["http://evil.example", "https://localhost", "http://127.0.0.1:1", "null", "http://localhost"])(
    "a page of the origin %s is refused",
    async (origin) => {
      const inspected = await openInspected();
      for (const path of [...views, ROUTES.events])
        expect((await inspected.get(path, { origin })).status, path).toBe(403);
      expect((await act(inspected, { origin })).status).toBe(403);
    },
  );

  it("its own page is let in, by the name that it was opened with", async () => {
    const inspected = await openInspected();
    for (const name of ["localhost", "127.0.0.1"]) {
      const host = `${name}:${PORT(inspected.url)}`;
      expect((await inspected.get(ROUTES.overview, { host, origin: `http://${host}` })).status).toBe(200);
    }
  });

  it("a browser that says that another site asks is refused, but for a link that opens the page", async () => {
    const inspected = await openInspected({ inspector: { pageFolder: folderWithPage() } });
    for (const site of ["cross-site", "same-site"]) {
      const link = { "sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
      expect((await inspected.get("", link)).status).toBe(200);
      expect((await inspected.get("", { ...link, "sec-fetch-dest": "iframe" })).status).toBe(403);
      expect((await inspected.get(ROUTES.overview, link)).status).toBe(403);
      expect(
        (await inspected.get(ROUTES.overview, { "sec-fetch-site": site, "sec-fetch-mode": "no-cors" })).status,
      ).toBe(403);
    }
    expect((await inspected.get(ROUTES.overview, { "sec-fetch-site": "same-origin" })).status).toBe(200);
  });
});

describe("actions", () => {
  it("that are forged do nothing", async () => {
    const inspected = await openInspected();
    const { client, send } = inspected;
    await client.started("glow", "lamps", { activity_id: "x" });
    const body = JSON.stringify({ action: "cancel", id: "x" });
    const json = { "content-type": "application/json" };
    const own = { [ACTION_HEADER]: ACTION_HEADER_VALUE };
    const forged: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
      ["POST", json, 403],
      ["POST", { ...json, [ACTION_HEADER]: "0" }, 403],
      ["POST", { ...own, "content-type": "text/plain" }, 403],
      ["POST", { ...own, "content-type": "application/x-www-form-urlencoded" }, 403],
      ["POST", { ...own, ...json, origin: "http://evil.example" }, 403],
      ["POST", { ...own, ...json, "sec-fetch-site": "cross-site" }, 403],
      ["GET", { ...own, ...json }, 405],
      ["OPTIONS", { origin: "http://evil.example", "access-control-request-headers": ACTION_HEADER }, 403],
    ];
    for (const [method, headers, expected] of forged) {
      const { status, headers: answered } = await send(
        method,
        ROUTES.action,
        headers,
        method === "POST" ? body : undefined,
      );
      expect(status, JSON.stringify(headers)).toBe(expected);
      expect(Object.keys(answered).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
    expect((await client.describe("x")).status).toBe("running");
  });

  it.each([
    ["nothing", "", null],
    ["what is no JSON", "{", null],
    ["a list", "[]", null],
    ["an action that is not known", '{"action":"constructor","id":"x"}', "action"],
    ["a field that is not known", '{"action":"cancel","id":"x","force":true}', "force"],
    ["no id", '{"action":"cancel"}', "id"],
    ["a number for an id", '{"action":"cancel","id":7}', "id"],
    [
      "options that are none",
      '{"action":"start","type":"a","queue":"b","options":{"maxAttempts":0}}',
      "options.maxAttempts",
    ],
    ["an input that is no JSON", '{"action":"start","type":"a","queue":"b","input":"{"}', "input"],
  ])("with %s are refused, and the field is named", async (_, body, field) => {
    const { status, body: answer } = await act(await openInspected(), {}, body);
    expect([status, answer.error.code, answer.error.field]).toEqual([400, "bad_request", field]);
  });

  it("with more than they may hold are refused before they are read whole", async () => {
    const { status } = await act(await openInspected(), {}, "x".repeat(13 * 1024 * 1024));
    expect(status).toBe(413);
  });

  it("are refused where the page may only look, and looking goes on", async () => {
    const inspected = await openInspected({ inspector: { isReadOnly: true } });
    await inspected.client.started("glow", "lamps", { activity_id: "x" });
    const { status, body } = await act(inspected, {});
    expect([status, body.error.code]).toEqual([409, "unsupported"]);
    expect((await inspected.client.describe("x")).status).toBe("running");
    expect((await inspected.get(ROUTES.overview)).status).toBe(200);
  });
});

describe("with a password", () => {
  const basic = (text: string): { authorization: string } => ({
    authorization: `Basic ${Buffer.from(text).toString("base64")}`,
  });

  it("everything wants it, by whatever name; another page's origin is refused all the same", async () => {
    const inspected = await openInspected({ inspector: { password: "open: sesame", pageFolder: folderWithPage() } });
    const host = "page.example.com";
    for (const path of ["", ...views, ROUTES.events]) {
      const { status, headers } = await inspected.get(path, { host });
      expect(status, path).toBe(401);
      expect(headers["www-authenticate"]).toMatch(/^Basic /);
    }
    for (const wrong of [
      basic("me:open"),
      basic("open: sesame:"),
      { authorization: "Bearer open: sesame" },
      basic(""),
    ]) {
      expect((await inspected.get(ROUTES.overview, { host, ...wrong })).status).toBe(401);
    }
    expect((await inspected.get(ROUTES.overview, { host, ...basic("me:open: sesame") })).status).toBe(200);
    expect((await act(inspected, { host, ...basic("me:open: sesame"), origin: "http://evil.example" })).status).toBe(
      403,
    );
    expect((await act(inspected, { host })).status).toBe(401);
  });

  it("that is empty is refused at once", async () => {
    await expect(openInspected({ inspector: { password: "" } })).rejects.toThrow("password must not be empty");
  });
});

describe("every answer", () => {
  it("has a strict policy and is not stored; files whose names say what they hold are kept", async () => {
    const inspected = await openInspected({ inspector: { pageFolder: folderWithPage() } });
    const answers = [
      await inspected.get(""),
      await inspected.get(ROUTES.overview),
      await inspected.get("nothing"),
      await inspected.get(ROUTES.overview, { host: "evil.example" }),
      await act(inspected, {}),
    ];
    for (const { headers } of answers) {
      expect(headers["content-security-policy"]).toBe(CONTENT_SECURITY_POLICY);
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["referrer-policy"]).toBe("no-referrer");
      expect(headers["cross-origin-resource-policy"]).toBe("same-origin");
    }
    expect(CONTENT_SECURITY_POLICY).not.toContain("unsafe");
    const file = await inspected.get("assets/app-0123456789ab.js");
    expect(file.headers["cache-control"]).toContain("immutable");
    expect(file.headers["content-type"]).toContain("text/javascript");
  });

  it("never is a file beside the page", async () => {
    const folder = folderWithPage();
    writeFileSync(join(folder, "..", "secret.txt"), "secret");
    const inspected = await openInspected({ inspector: { pageFolder: folder } });
    for (const path of [
      "../secret.txt",
      "..%2fsecret.txt",
      "assets/../../secret.txt",
      "%2e%2e/secret.txt",
      "/etc/passwd",
    ]) {
      const { status, text } = await inspected.get(path);
      expect([status, text.includes("secret\n")], path).toEqual([404, false]);
    }
    expect((await inspected.send("POST", "", {}, "")).status).toBe(405);
  });
});

it("an engine's token is in no answer, whatever the engine says", async () => {
  const token = "tok-3f9a8b7c6d5e";
  const inspected = await openInspected({ token });
  const { client, get } = inspected;
  await client.register("w1", "lamps", ["glow"]);
  await client.started("glow", "lamps", { activity_id: "x", input: [1] });
  for (const path of views) {
    const { text, headers } = await get(
      `${path}${path.endsWith("activity") || path.endsWith("wire") || path.endsWith("history") ? "?id=x" : ""}`,
    );
    expect(text + JSON.stringify(headers), path).not.toContain(token);
  }
  expect(JSON.stringify(await inspected.act({ action: "start_again", id: "x" }))).not.toContain(token);
});

it("an engine that refuses the command's token is told as that", async () => {
  const { engineUrl } = await openInspected({ token: "right-token" });
  const other = await openInspected({
    inspector: { transport: (await import("./support/transport.js")).transportTo(engineUrl) },
  });
  const { status, body } = await other.get(ROUTES.overview);
  expect([status, body.error.code, body.error.engine.status]).toEqual([502, "unauthorized", 401]);
});
