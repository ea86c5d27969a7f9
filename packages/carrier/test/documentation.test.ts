import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { text as readText } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type IdempotencyStore } from "@durable-workflow/carrier/idempotency";
import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { parseExternalTaskResult } from "@durable-workflow/carrier/protocol";
import { idempotencyStoreContract } from "@durable-workflow/carrier/testing";
import { PATIENCE_MS, until } from "@durable-workflow/test-support/patience";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "./support/envelopes.js";
import { freePort } from "./support/loopback.js";
import { hasRedisServer, REDIS_MISSING, startRedisServer } from "./support/redis-server.js";

/** The documents' code blocks, as they are printed, compiled and run against the built package. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = `${root}.cache/documentation`;
const DOCUMENTS = [
  "README.md",
  "docs/start/first-carrier.md",
  "packages/carrier/README.md",
  "docs/write/errors-and-retries.md",
  "docs/write/payloads.md",
  "docs/write/large-payloads.md",
  "docs/host/http.md",
  "docs/write/idempotency.md",
  "docs/write/testing.md",
  "docs/write/writing-activities.md",
];
/** Documents whose examples check themselves: they import, and no assertion of theirs fails. */
const SELF_CHECKING =
  /^docs-write-testing-md|^docs-write-writing-activities-md-[1-7]$|^docs-write-errors-and-retries-md-2|^docs-write-idempotency-md-[14]|^docs-write-large-payloads-md-1/;

const blocks = new Map<string, string>();
for (const document of DOCUMENTS) {
  const text = readFileSync(root + document, "utf8");
  [...text.matchAll(/^```ts\n(.*?)^```$/gms)].forEach((match, index) => {
    blocks.set(`${document.replaceAll(/[/.]/g, "-")}-${index + 1}`, match[1] ?? "");
  });
}

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, code] of blocks) {
    writeFileSync(`${folder}/${name}.ts`, code);
    writeFileSync(`${folder}/${name}.mjs`, (await transform(code, { loader: "ts", format: "esm" })).code);
  }
});

const load = (name: string): Promise<Record<string, unknown>> =>
  import(/* @vite-ignore */ pathToFileURL(`${folder}/${name}.mjs`).href);

function task(handler: string, args: readonly unknown[]) {
  const envelope = activityTaskEnvelope();
  return { ...envelope, task: { ...envelope.task, handler }, payloads: { arguments: payloadEnvelope(args) } };
}

/** The decoded return value, or the failure's type. */
function outcome(document: unknown): unknown {
  const result = parseExternalTaskResult(document);
  return result.kind === "success" ? decodePayload(result.payload) : result.failure.type;
}

it("finds the examples", () => {
  expect([...blocks.keys()].filter((name) => !SELF_CHECKING.test(name))).toEqual([
    "README-md-1",
    "docs-start-first-carrier-md-1",
    "docs-start-first-carrier-md-2",
    "docs-start-first-carrier-md-3",
    "docs-start-first-carrier-md-4",
    "packages-carrier-README-md-1",
    "docs-write-errors-and-retries-md-1",
    "docs-write-payloads-md-1",
    "docs-write-large-payloads-md-2",
    "docs-write-large-payloads-md-3",
    "docs-write-large-payloads-md-4",
    "docs-host-http-md-1",
    "docs-host-http-md-2",
    "docs-host-http-md-3",
    "docs-write-idempotency-md-2",
    "docs-write-idempotency-md-3",
    "docs-write-writing-activities-md-8",
  ]);
});

it("compiles every example strictly", () => {
  const compilerOptions = { module: "NodeNext", target: "ES2022", strict: true, noEmit: true, types: ["node"] };
  const options = { compilerOptions, include: ["*.ts"] };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(options));
  const compiled = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", folder], {
    encoding: "utf8",
  });
  expect(compiled.stdout).toBe("");
});

describe("an example that checks itself", () => {
  const names = [...blocks.keys()].filter((name) => SELF_CHECKING.test(name));

  it.each(names)("holds: %s", async (name) => {
    expect(blocks.get(name)).toContain("assert.");
    await load(name);
  });
});

it("the first program of the README runs an activity, and its client gets the result", async () => {
  const { greeting } = (await load("README-md-1")) as { greeting: unknown };
  expect(greeting).toBe("Hello, Ada");
});

it("the whole chain of the first carrier runs an activity", async () => {
  const { greeting } = (await load("docs-start-first-carrier-md-4")) as { greeting: unknown };
  expect(greeting).toBe("Hello, Ada");
});

describe("the Node example of the first carrier", () => {
  let carrier: ChildProcess;
  let url: string;

  beforeAll(async () => {
    ({ carrier, url } = await startCarrier("docs-start-first-carrier-md-1", { CARRIER_TOKEN: "s3cret" }));
  });
  afterAll(() => {
    carrier.kill();
  });

  const post = (token: string, args: readonly unknown[]) =>
    fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(task("billing.charge-card", args)),
    });

  it("charges a card", async () => {
    expect(outcome(await (await post("s3cret", ["card-7", 1299])).json())).toEqual({ charged: 1299, card: "card-7" });
  });

  it("fails for good on a bad amount", async () => {
    expect(outcome(await (await post("s3cret", ["card-7", 0])).json())).toBe("NonRetryableError");
  });

  it("lets nobody in without the token", async () => {
    expect((await post("wrong", [])).status).toBe(401);
  });
});

it("the shutdown example answers what is under way over a connection that is kept alive, and ends", async () => {
  const render = '() => sleep(1e3, "rendered")';
  const { carrier, url } = await startCarrier("docs-write-writing-activities-md-8", {}, (text) => {
    expect(text).toContain(render);
    // It says when it has begun, and its connections are kept for minutes unless it sees to it that they are not.
    const begun = text.replace(render, `() => (process.send("begun"), sleep(1e3, "rendered"))`);
    return begun.replace('process.once("SIGTERM"', 'server.keepAliveTimeout = 300_000;\nprocess.once("SIGTERM"');
  });
  const exited = once(carrier, "exit");
  const agent = new Agent({ keepAlive: true });
  try {
    const begun = once(carrier, "message");
    const answer = postThrough(url, agent, task("reports.render", []));
    await begun;
    carrier.kill("SIGTERM");
    expect(outcome(JSON.parse(await answer))).toBe("rendered");
    const answered = performance.now();
    expect(await exited).toEqual([0, null]);
    expect(performance.now() - answered).toBeLessThan(PATIENCE_MS);
  } finally {
    carrier.kill("SIGKILL");
    agent.destroy();
  }
});

it("the Lambda example of the README answers an event of a Function URL", async () => {
  const { handler } = (await load("docs-start-first-carrier-md-2")) as {
    handler: (event: unknown) => Promise<{ body: string }>;
  };
  const body = JSON.stringify(task("reports.render", [2026, "pdf"]));
  const answer = await handler({ version: "2.0", requestContext: { http: { method: "POST" } }, headers: {}, body });
  expect(outcome(JSON.parse(answer.body))).toEqual({ text: "Report for 2026\nas pdf", lines: 2 });
});

it("the test example of the README prints the value and the count of heartbeats", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await load("docs-start-first-carrier-md-3");
  expect(log.mock.calls).toEqual([[{ imported: 2 }, 2]]);
  log.mockRestore();
});

it.each([
  ["declined", "CardDeclined", false],
  ["card-7", "GatewayDown", true],
])("the errors example answers %s with %s", async (card, type, retryable) => {
  const { handler } = (await load("docs-write-errors-and-retries-md-1")) as {
    handler: { handle(task: unknown): Promise<unknown> };
  };
  const result = parseExternalTaskResult(await handler.handle(task("billing.charge", [card])));
  expect(result).toMatchObject({ kind: "failure", retryable, failure: { type } });
});

it("the payloads example reads what its comments say", async () => {
  const { read, shown } = await load("docs-write-payloads-md-1");
  expect(read).toEqual({ placed: "1970-01-01T00:00:00.000Z", tags: ["new"], total: 2218611106740436992n });
  expect(shown).toBe(
    '{"placed":"1970-01-01T00:00:00.000Z","tags":["new"],"total":{"$type":"long","value":"2218611106740436992"}}',
  );
  const code = blocks.get("docs-write-payloads-md-1");
  expect(code).toContain(`// ${String(shown)}`);
});

interface Postgres {
  exec(sql: string): Promise<unknown>;
  close(): Promise<void>;
}

describe("the stores of the idempotency page", () => {
  it.skipIf(!hasRedisServer())(`${REDIS_MISSING}: a second delivery gets the first one's outcome`, async () => {
    const server = await startRedisServer();
    process.env["REDIS_URL"] = `redis://127.0.0.1:${server.port}`;
    const { client, handler } = (await load("docs-write-idempotency-md-2")) as {
      client: { disconnect(): void };
      handler: { handle(task: unknown): Promise<unknown> };
    };
    try {
      const envelope = task("greet", ["Ada"]);
      expect(outcome(await handler.handle(envelope))).toBe("Hello, Ada");
      expect(outcome(await handler.handle(envelope))).toBe("Hello, Ada");
    } finally {
      client.disconnect();
      await server.stop();
    }
  });

  // A database in WebAssembly takes its time to start on a busy machine.
  it("with Postgres keeps the contract of stores", async () => {
    const { postgresIdempotencyStore, TABLE } = (await load("docs-write-idempotency-md-3")) as {
      postgresIdempotencyStore: (database: unknown) => IdempotencyStore;
      TABLE: string;
    };
    // By a name that the compiler does not see: its types want those of a browser and of Emscripten.
    const postgres = "@electric-sql/pglite";
    const { PGlite } = (await import(/* @vite-ignore */ postgres)) as { PGlite: new () => Postgres };
    const database = new PGlite();
    await database.exec(TABLE);
    // The example's time is the database's, which the test moves: real time passes as fast as the machine is free.
    await database.exec(`
      create table test_time (now timestamptz not null);
      insert into test_time values ('2026-04-22T01:10:00Z');
      create schema test_clock;
      create function test_clock.clock_timestamp() returns timestamptz language sql volatile
        as 'select now from public.test_time';
      set search_path = test_clock, pg_catalog, public;`);
    const store = postgresIdempotencyStore(database);
    const elapse = async (ms: number) => {
      await database.exec(`update test_time set now = now + ${ms} * interval '1 millisecond'`);
    };
    // PGlite drops a byte order mark at the front of a text; PostgreSQL and its clients do not.
    const cases = idempotencyStoreContract.filter(({ id }) => id !== "text/verbatim");
    for (const { id, check } of cases) {
      await expect(check({ store, leaseMs: 1500, elapse }), id).resolves.toBeUndefined();
    }
    await database.close();
  });
});

it("the storage example reads what it stored, and says its size", async () => {
  const { read, reference } = await load("docs-write-large-payloads-md-2");
  expect(read).toMatchObject({ title: "2026", rows: { length: 50_000 } });
  const { sizeBytes, uri } = reference as { sizeBytes: number; uri: string };
  expect(blocks.get("docs-write-large-payloads-md-2")).toContain(`sizeBytes: ${sizeBytes},`);
  rmSync(fileURLToPath(uri.slice(0, uri.indexOf("/avro/"))), { recursive: true });
});

const namespaceRecord = (policy: object) => ({ name: "default", external_payload_storage: policy });

it("the policy example makes the driver that the namespace asks for", async () => {
  const { driverFor } = (await load("docs-write-large-payloads-md-3")) as {
    driverFor: (record: unknown) => { scheme: string } | undefined;
  };
  expect(driverFor(namespaceRecord({ enabled: false }))).toBeUndefined();
  expect(driverFor(namespaceRecord({ enabled: true, driver: "s3", config: { bucket: "payloads" } }))?.scheme).toBe(
    "s3",
  );
  const local = { enabled: true, driver: "local", config: { uri: "file:///srv/payloads" } };
  expect(driverFor(namespaceRecord(local))?.scheme).toBe("file");
  expect(() => driverFor(namespaceRecord({ enabled: true, driver: "gcs" }))).toThrow(/^driver must be one/);
});

it("the HTTP example takes either token", async () => {
  const { default: carrier } = (await load("docs-host-http-md-1")) as {
    default: { fetch: (request: Request) => Promise<Response> };
  };
  for (const token of ["current-token", "previous-token"]) {
    const headers = { authorization: `Bearer ${token}` };
    const body = JSON.stringify(task("greet", ["Ada"]));
    const response = await carrier.fetch(new Request("http://carrier.test/", { method: "POST", headers, body }));
    expect(outcome(await response.json())).toBe("Hello, Ada");
  }
});

it("the example of what a platform gives reads the environment of a worker", async () => {
  const { carrier } = (await load("docs-host-http-md-2")) as {
    carrier: (request: Request, env: object, ctx: object) => Promise<Response>;
  };
  const late: unknown[] = [];
  const body = JSON.stringify(task("report", ["Tides"]));
  const sent = new Request("http://carrier.test/", { method: "POST", body });
  const response = await carrier(sent, { REGION: "eu" }, { waitUntil: (promise: unknown) => late.push(promise) });
  expect(outcome(await response.json())).toBe("Tides from eu");
  expect(late).toHaveLength(1);
});

it("the serve example is guarded, and says 503 before it stops", async () => {
  const { carrier, url } = await startCarrier("docs-host-http-md-3", { CARRIER_TOKEN: "s3cret" });
  try {
    const body = JSON.stringify(task("greet", ["Ada"]));
    expect((await fetch(url, { method: "POST", body })).status).toBe(401);
    const headers = { authorization: "Bearer s3cret" };
    expect(outcome(await (await fetch(url, { method: "POST", headers, body })).json())).toBe("Hello, Ada");
    carrier.kill("SIGTERM");
    await expect.poll(async () => (await fetch(url)).status).toBe(503);
    expect((await fetch(url, { method: "POST", headers, body })).status).toBe(200);
  } finally {
    carrier.kill("SIGKILL");
  }
});

/** Runs an example that serves on port 8080 on a port of its own. */
async function startCarrier(
  name: string,
  env: Readonly<Record<string, string>> = {},
  edit = (text: string): string => text,
) {
  const port = await freePort();
  const file = `${folder}/${name}.mjs`;
  writeFileSync(file, edit(readFileSync(file, "utf8").replace("8080", String(port))));
  const carrier = spawn(process.execPath, [file], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, ...env },
  });
  const url = `http://127.0.0.1:${port}/`;
  await untilAnswered(url);
  return { carrier, url };
}

/** Through an agent, which fetch does not take. */
async function postThrough(url: string, agent: Agent, body: object): Promise<string> {
  const sent = request(url, { method: "POST", agent }).end(JSON.stringify(body));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return readText(response);
}

function untilAnswered(url: string): Promise<void> {
  const answers = (): Promise<boolean> =>
    fetch(url).then(
      () => true,
      () => false,
    );
  return until(answers, `an answer at ${url}`, 100);
}
