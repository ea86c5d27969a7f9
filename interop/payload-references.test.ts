import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { createDispatcher } from "@durable-workflow/dispatcher";
import { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "@durable-workflow/local-engine";
import { describe, expect, it } from "vitest";
import { type Json, LinePeer } from "./support/line-peer.js";
import { describeUnless, pythonPeer, rustPeer, whyNoPython, whyNoRust } from "./support/peers.js";
import { PythonClient, raised } from "./support/python-client.js";
import { until } from "./support/until.js";

// References to large payloads that have gone bad between two lives of an engine, and what the released SDKs make of them:
// nobody may be handed other bytes than those that were uploaded.

const MB = 1_000_000;
const LIMIT_BYTES = 64 * 1024 * 1024;

interface Database {
  exec(sql: string): void;
  close(): void;
}
const local = createRequire(fileURLToPath(new URL("../packages/local-engine/package.json", import.meta.url)));
const Database = local("libsql") as new (file: string) => Database;

/** What is done to the payloads of an engine that is down. */
interface Harm {
  readonly name: string;
  readonly toFile?: (path: string) => void;
  readonly sql?: string;
  readonly options?: Partial<LocalEngineOptions>;
  /** What Python's client raises, and what our dispatcher reports. */
  readonly python: string;
  readonly reason: string;
}

const HARMS: readonly Harm[] = [
  {
    name: "expired",
    sql: "UPDATE payloads SET is_here = 0, removed_at = 9000000000000000",
    python: "ExternalPayloadExpired",
    reason: "external_payload_expired",
  },
  {
    name: "of another namespace",
    sql: "UPDATE payloads SET namespace = 'other'",
    options: { namespaces: ["other"] },
    python: "ExternalPayloadNotFound",
    reason: "external_payload_not_found",
  },
  {
    name: "altered",
    toFile: (path) => writeFileSync(path, Buffer.alloc(statSync(path).size, "QUJD")),
    python: "ExternalPayloadIntegrityMismatch",
    reason: "external_payload_integrity_mismatch",
  },
  {
    name: "cut",
    toFile: (path) => truncateSync(path, 10),
    python: "ExternalPayloadIntegrityMismatch",
    reason: "external_payload_integrity_mismatch",
  },
  {
    name: "over the limit",
    options: { payloads: { maxPayloadBytes: 2 * MB } },
    python: "ExternalPayloadOversized",
    reason: "external_payload_oversized",
  },
];

class Life {
  readonly #folder = mkdtempSync(join(tmpdir(), "interop-references-"));
  readonly #file = join(this.#folder, "engine.db");
  #engine: LocalEngine | undefined;

  async begin(options: Partial<LocalEngineOptions> = {}): Promise<string> {
    this.#engine = createLocalEngine({ file: this.#file, ...options });
    return (await this.#engine.listen()).url;
  }

  async end(): Promise<void> {
    await this.#engine?.close();
    this.#engine = undefined;
  }

  /** While no engine runs. */
  harm({ toFile, sql }: Harm): void {
    if (sql !== undefined) {
      const database = new Database(this.#file);
      database.exec(sql);
      database.close();
    }
    if (toFile === undefined) return;
    const files = readdirSync(`${this.#file}-payloads`, { recursive: true, withFileTypes: true });
    for (const entry of files) if (entry.isFile()) toFile(join(entry.parentPath, entry.name));
  }

  async forget(): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The one activity there is, in the engine's own words. */
async function described(url: string): Promise<Json> {
  const headers = { "X-Durable-Workflow-Control-Plane-Version": "2" };
  return (await (await fetch(`${url}/api/activities/a`, { headers })).json()) as Json;
}

function attemptsOf(activity: Json): number {
  return (activity["attempts"] as readonly unknown[]).length;
}

const ECHO = { activity_type: "interop.echo", task_queue: "q", start_to_close_timeout_seconds: 100 };

/** An engine that holds an open activity with 3 MB of arguments, once harm was done to them. */
async function withHarmedArguments(
  harm: Harm,
  use: (url: string, client: PythonClient) => Promise<void>,
): Promise<void> {
  const life = new Life();
  try {
    const before = new PythonClient("2.12.0", await life.begin());
    await before.start({ ...ECHO, activity_id: "a", input: [{ b: "ab".repeat(3 * MB) }] });
    await before.stop();
    await life.end();
    life.harm(harm);
    const url = await life.begin(harm.options);
    const client = new PythonClient("2.12.0", url);
    await use(url, client);
    await client.stop();
  } finally {
    await life.forget();
  }
}

describeUnless(whyNoPython("2.12.0"), "a reference to a large payload", () => {
  describe.each(HARMS)("that is $name", (harm) => {
    it(`as a result is raised by Python's client as ${harm.python}`, async () => {
      const life = new Life();
      try {
        const url = await life.begin();
        const before = new PythonClient("2.12.0", url);
        const worker = new LinePeer(pythonPeer("2.12.0", "worker", url, "q"));
        expect(await before.roundtrip([3 * MB], { ...ECHO, activity_id: "a" })).toMatchObject({ same: [true] });
        await Promise.all([before.stop(), worker.stop()]);
        await life.end();
        life.harm(harm);
        const client = new PythonClient("2.12.0", await life.begin(harm.options));
        expect((await raised(client.result("a"))).type).toBe(harm.python);
        await client.stop();
      } finally {
        await life.forget();
      }
    });

    it("as arguments ends the activity by its own name, where our dispatcher runs it", async () => {
      await withHarmedArguments(harm, async (url, client) => {
        let calls = 0;
        const handlers = { "interop.echo": (value: unknown) => (calls++, value) };
        const carrier = createServer(nodeInvocableActivityHandler(handlers, { bodyLimitBytes: LIMIT_BYTES }));
        await new Promise<void>((resolve) => {
          carrier.listen(0, "127.0.0.1", resolve);
        });
        const { port } = carrier.address() as AddressInfo;
        const mapping = { kind: "activity", activity_type: "interop.echo", task_queue: "q", handler: "interop.echo" };
        const dispatcher = createDispatcher({
          environment: {},
          profilesPath: "does-not-exist.json",
          connection: { serverUrl: url },
          config: {
            schema: "durable-workflow.external-executor.config",
            version: 1,
            carriers: { ours: { type: "invocable_http", url: `http://127.0.0.1:${port}/` } },
            mappings: [{ name: "echo", carrier: "ours", ...mapping }],
          },
        });
        await dispatcher.start();
        const ended = await until(async () => {
          const activity = await described(url);
          return activity["status"] === "running" ? undefined : activity;
        }, "the activity's end");
        expect(ended).toMatchObject({ status: "failed" });
        expect(JSON.stringify(ended)).toContain(harm.reason);
        expect((await raised(client.result("a"))).type).toBe("WorkflowFailed");
        expect(calls).toBe(0);
        await dispatcher.drain();
        carrier.close();
        carrier.closeAllConnections();
      });
    });

    for (const [language, why] of [
      ["python", undefined],
      ["rust", whyNoRust],
    ] as const) {
      it.skipIf(why !== undefined)(
        `as arguments is never handed to an activity of a ${language} worker`,
        async () => {
          await withHarmedArguments(harm, async (url) => {
            const command =
              language === "python" ? pythonPeer("2.12.0", "worker", url, "q") : rustPeer("worker", url, "q");
            const worker = new LinePeer(command);
            await until(async () => (attemptsOf(await described(url)) > 0 ? true : undefined), "an attempt");
            await sleep(2000);
            expect((await described(url))["status"]).not.toBe("completed");
            await worker.stop();
          });
        },
        120_000,
      );
    }
  });
});
