import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { createDispatcher, type Dispatcher } from "@durable-workflow/dispatcher";
import { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "@durable-workflow/local-engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LinePeer } from "./support/line-peer.js";
import { describeUnless, pythonPeer, rustPeer, whyNoPython, whyNoRust } from "./support/peers.js";
import { type PythonCarrier, startPythonCarrier } from "./support/python-carrier.js";
import { PythonClient, raised } from "./support/python-client.js";

// Python's client, whose payloads are uploaded to our engine over its threshold, with every worker and carrier there is.
// No option for payloads is given anywhere but to carriers whose own limit of a body is lower.

const MB = 1_000_000;
const LIMIT = 64 * 1024 * 1024;
const TYPES = ["interop.echo", "interop.arguments", "interop.twice", "interop.size", "interop.make"];
const RUNNERS = ["typescript", "python carrier", "python worker", "rust worker"] as const;
type Runner = (typeof RUNNERS)[number];
const queueOf = (runner: Runner): string => runner.replace(" ", "-");

const OURS = nodeInvocableActivityHandler(
  {
    "interop.echo": (value: unknown) => value,
    "interop.arguments": (...args: unknown[]) => args,
    "interop.twice": (value: Uint8Array) => Buffer.concat([value, value]),
    "interop.size": (value: Uint8Array) => value.length,
    "interop.make": (size: number) => new Uint8Array(size),
  },
  { bodyLimitBytes: LIMIT, maxConcurrentBodyBytes: 2 * LIMIT },
);

const ONE = { start_to_close_timeout_seconds: 100 };

interface Opened {
  readonly engine: LocalEngine;
  readonly url: string;
  readonly file: string;
  readonly close: () => Promise<void>;
}

async function open(options: Partial<LocalEngineOptions> = {}): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), "interop-payloads-"));
  const file = join(folder, "engine.db");
  const engine = createLocalEngine({ file, ...options });
  const { url } = await engine.listen();
  const close = async (): Promise<void> => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { engine, url, file, close };
}

/** The files of the engine's payloads. */
function filesOf({ file }: Opened): readonly string[] {
  const folder = `${file}-payloads`;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describeUnless(whyNoPython("2.12.0"), "large payloads of Python's client", () => {
  let opened: Opened;
  let python: PythonCarrier;
  let ours: Server;
  let dispatcher: Dispatcher;
  let client: PythonClient;
  let worker: LinePeer;
  let rust: LinePeer | undefined;

  beforeAll(async () => {
    opened = await open();
    const { url } = opened;
    python = await startPythonCarrier("2.12.0");
    ours = createServer(OURS);
    await new Promise<void>((resolve) => {
      ours.listen(0, "127.0.0.1", resolve);
    });
    const { port } = ours.address() as AddressInfo;
    dispatcher = createDispatcher({
      environment: {},
      profilesPath: "does-not-exist.json",
      connection: { serverUrl: url },
      config: config({ typescript: `http://127.0.0.1:${port}/`, "python-carrier": python.url }),
    });
    await dispatcher.start();
    client = new PythonClient("2.12.0", url);
    worker = new LinePeer(pythonPeer("2.12.0", "worker", url, queueOf("python worker")));
    if (whyNoRust === undefined) rust = new LinePeer(rustPeer("worker", url, queueOf("rust worker")));
  });

  afterAll(async () => {
    await client?.stop();
    await dispatcher?.drain();
    ours?.close();
    await python?.peer.stop();
    await worker?.stop();
    await rust?.stop();
    await opened?.close();
  });

  const run = (runner: Runner, type: string, sizes: readonly number[]) =>
    client.roundtrip(sizes, { activity_type: type, task_queue: queueOf(runner), ...ONE });

  for (const runner of RUNNERS) {
    describeUnless(runner === "rust worker" ? whyNoRust : undefined, `run by the ${runner}`, () => {
      it("3 MB come back as they were", async () => {
        expect(await run(runner, "interop.echo", [3 * MB])).toMatchObject({ same: [true], size: 3 * MB });
      });

      it("20 MB come back as they were", async () => {
        expect(await run(runner, "interop.echo", [20 * MB])).toMatchObject({ same: [true], size: 20 * MB });
      });

      it("small and large arguments go together", async () => {
        expect(await run(runner, "interop.arguments", [10, 2 * MB, 20])).toMatchObject({ size: 3 });
      });

      if (runner === "rust worker") return;

      it("3 MB become 6 MB", async () => {
        expect(await run(runner, "interop.twice", [3 * MB])).toMatchObject({ doubled: [true], size: 6 * MB });
      });

      it("a large argument has a small result, and a small one a large result", async () => {
        expect(await run(runner, "interop.size", [3 * MB])).toMatchObject({ size: 3 * MB });
        const id = `make-${queueOf(runner)}`;
        const make = { activity_id: id, activity_type: "interop.make", task_queue: queueOf(runner) };
        await client.start({ ...make, input: [{ l: String(2 * MB) }] });
        const { result } = await client
          .describe(id)
          .then(async (described) =>
            described["status"] === "running" ? { result: await client.result(id) } : described,
          );
        expect((result as { readonly b: string }).b).toHaveLength(4 * MB);
      });
    });
  }

  it("all of that went through the engine's own files", () => {
    expect(filesOf(opened).filter((path) => statSync(path).size > 20 * MB)).not.toEqual([]);
  });
});

describeUnless(whyNoPython("2.12.0"), "what goes wrong with large payloads of Python's client", () => {
  const task = { activity_type: "interop.echo", task_queue: "nobody" };

  it("over the limit: told by the client itself", async () => {
    const opened = await open({ payloads: { maxPayloadBytes: 2 * MB } });
    const client = new PythonClient("2.12.0", opened.url);
    const error = await raised(client.roundtrip([3 * MB], task));
    expect(error.type).toBe("ExternalPayloadOversized");
    await client.stop();
    await opened.close();
  });

  it("over the quota: told as one that may pass", async () => {
    const opened = await open({ payloads: { namespaceBytes: 2 * MB } });
    const client = new PythonClient("2.12.0", opened.url);
    const error = await raised(client.roundtrip([3 * MB], task));
    expect(error.message).toContain("external_payload_namespace_bytes_exhausted");
    await client.stop();
    await opened.close();
  });

  describe.each([
    [
      "altered",
      (path: string): void => writeFileSync(path, Buffer.alloc(statSync(path).size)),
      "ExternalPayloadIntegrityMismatch",
    ],
    ["cut", (path: string): void => truncateSync(path, 10), "ExternalPayloadIntegrityMismatch"],
    ["gone", (path: string): void => rmSync(path), "ExternalPayloadNotFound"],
  ])("bytes that are %s on the engine's disk", (_, harm, type) => {
    it(`are told to the client as ${type}, and never handed on`, async () => {
      const opened = await open();
      const client = new PythonClient("2.12.0", opened.url);
      const worker = new LinePeer(pythonPeer("2.12.0", "worker", opened.url, "q"));
      const echo = { activity_type: "interop.echo", task_queue: "q", ...ONE };
      const { same } = await client.roundtrip([3 * MB], { ...echo, activity_id: "a" });
      expect(same).toEqual([true]);
      for (const path of filesOf(opened)) harm(path);
      const fresh = new PythonClient("2.12.0", opened.url);
      expect((await raised(fresh.result("a"))).type).toBe(type);
      await Promise.all([client.stop(), fresh.stop(), worker.stop()]);
      await opened.close();
    });
  });
});

function config(urls: Readonly<Record<string, string>>): object {
  const names = Object.keys(urls);
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    carriers: Object.fromEntries(names.map((name) => [name, { type: "invocable_http", url: urls[name] }])),
    mappings: names.flatMap((carrier) =>
      TYPES.map((type) => ({
        name: `${carrier}:${type}`,
        kind: "activity",
        activity_type: type,
        task_queue: carrier,
        carrier,
        handler: type,
      })),
    ),
  };
}
