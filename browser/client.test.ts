import { fileURLToPath } from "node:url";
import type * as Client from "@durable-workflow/client";
import { createLocalEngine, type LocalEngine } from "@durable-workflow/local-engine";
import { type ActivityWorker, createActivityWorker } from "@durable-workflow/worker";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM, HOW_TO_GET_IT, launch } from "./support/browser.js";

/*
 * The client in a page: bundled as for browsers, in parts that are loaded when they are needed, over the page's own `fetch`,
 * against an engine at the page's origin. Engines have no CORS: pages elsewhere reach one through their own server.
 */
const TOKENS = { workerToken: "worker-token-1", operatorToken: "operator-token-1" };
const PAGE = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module">
  import { createClient } from "/client.js";
  import * as client from "/client.js";
  globalThis.lib = client;
  globalThis.client = createClient({ serverUrl: location.origin, token: "${TOKENS.operatorToken}", defaults: { taskQueue: "q" } });
</script>`;

/** What the page has: `client` and `lib` are those of its script. */
declare const client: Client.Client;
declare const lib: typeof Client;

async function bundle(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    stdin: {
      contents: 'export * from "@durable-workflow/client";',
      resolveDir: fileURLToPath(new URL("../packages/cli", import.meta.url)),
      sourcefile: "client.js",
    },
    entryNames: "client",
    bundle: true,
    splitting: true,
    outdir: "/",
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]));
}

describe.skipIf(CHROMIUM === undefined)(
  `the client in a page${CHROMIUM === undefined ? ` (${HOW_TO_GET_IT})` : ""}`,
  () => {
    let engine: LocalEngine;
    let worker: ActivityWorker;
    let browser: Browser;
    let page: Page;
    const asked: string[] = [];
    const complaints: string[] = [];

    beforeAll(async () => {
      const files = await bundle();
      engine = createLocalEngine({ file: ":memory:", auth: TOKENS });
      const { url } = await engine.listen({
        port: 0,
        site: (request, response) => {
          const path = request.url ?? "/";
          const script = files.get(path);
          asked.push(path);
          response.writeHead(path === "/" || script !== undefined ? 200 : 404, {
            "content-type": path === "/" ? "text/html" : "text/javascript",
          });
          response.end(path === "/" ? PAGE : script);
        },
      });
      worker = createActivityWorker({
        serverUrl: url,
        token: TOKENS.workerToken,
        taskQueue: "q",
        activities: {
          greet: (name: string) => ({ hello: name, at: 2n ** 60n }),
          refuse: () => {
            throw new RangeError("no such lamp");
          },
          wait: () => new Promise(() => {}),
        },
      });
      await worker.start();
      browser = await launch();
      page = await (await browser.newContext()).newPage();
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.goto(url);
      await page.waitForFunction(() => typeof client === "object");
    });
    afterAll(async () => {
      await browser?.close();
      worker?.kill();
      await engine?.close();
      expect(complaints).toEqual([]);
    });

    it("starts an activity and gets its result, and has then loaded what handles trouble", async () => {
      expect(asked.filter((path) => /trouble|calls|large|failure-/.test(path))).toEqual([]);
      const result = await page.evaluate(async () => {
        const { hello, at } = (await client.execute("greet", ["Ada"])) as { hello: string; at: bigint };
        return [hello, String(at)];
      });
      expect(result).toEqual(["Ada", String(2n ** 60n)]);
      await expect.poll(() => asked.some((path) => path.includes("trouble"))).toBe(true);
    });

    it("tells why an activity failed, by type", async () => {
      const told = await page.evaluate(async () => {
        const error: unknown = await client.execute("refuse", []).catch((reason: unknown) => reason);
        if (!lib.isActivityOutcomeError(error)) throw error;
        return [error.kind, error.failure?.type, error.failure?.message];
      });
      expect(told).toEqual(["failed", "RangeError", "no such lamp"]);
    });

    it("lists, follows and cancels", async () => {
      const [listed, stages, wasCancelled, kind, again] = await page.evaluate(async () => {
        const handle = await client.start("wait", [], { id: "from-a-page" });
        const names: string[] = [];
        for await (const { activityId } of client.list({ bucket: "running" })) names.push(activityId);
        const seen: string[] = [];
        for await (const { stage, status } of handle.follow({ timeoutMs: 20_000 })) {
          seen.push(status);
          if (stage === "running") break;
        }
        const cancelled = await handle.cancel("no longer wanted");
        const outcome = await handle.outcome({ timeoutMs: 20_000 });
        return [names, seen, cancelled, outcome.kind, await handle.cancel()] as const;
      });
      expect(listed).toEqual(["from-a-page"]);
      expect(stages.at(-1)).toBe("running");
      expect([wasCancelled, kind, again]).toEqual([true, "cancelled", false]);
    });

    it("refuses as elsewhere: an unknown id, a wrong token, a second start of a running id", async () => {
      const codes = await page.evaluate(async () => {
        const codeOf = async (call: Promise<unknown>): Promise<unknown> =>
          call.then(
            () => "done",
            (error: unknown) => (lib.isClientError(error) ? error.code : String(error)),
          );
        const guest = lib.createClient({ serverUrl: location.origin, token: "nobody's" });
        const first = await client.start("wait", [], { id: "once" });
        const told = [
          await codeOf(client.handle("nothing").describe()),
          await codeOf(guest.start("greet", ["Ada"])),
          await codeOf(client.start("wait", [], { id: "once" })),
        ];
        await first.terminate();
        return told;
      });
      expect(codes).toEqual(["not_found", "unauthorized", "already_running"]);
    });

    it.each([true, false])(
      "says that it does not know, when the network is gone; after an answer: %s",
      async (after) => {
        const other = await (await browser.newContext()).newPage();
        await other.goto(new URL(page.url()).origin);
        await other.waitForFunction(() => typeof client === "object");
        if (after) {
          await other.evaluate(async () => client.execute("greet", ["Ada"]));
          await other.waitForLoadState("networkidle");
        }
        await other.context().setOffline(true);
        const told = await other.evaluate(async () => {
          const codeOf = async (call: Promise<unknown>): Promise<unknown> =>
            call.then(
              () => "done",
              (error: unknown) => (lib.isClientError(error) ? [error.code, error.mayHaveActed] : String(error)),
            );
          return [await codeOf(client.start("greet", ["Ada"])), await codeOf(client.handle("once").describe())];
        });
        await other.context().close();
        expect(told).toEqual([
          ["start_unknown", true],
          ["unreachable", false],
        ]);
      },
    );
  },
);
