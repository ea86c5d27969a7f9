import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bearerToken } from "@durable-workflow/carrier";
import { FENCING_ENDPOINT, FENCING_SCHEMA, PROTOCOL_VERSION, SINCE } from "@durable-workflow/engine-protocol";
import { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "@durable-workflow/local-engine";
import { closedAddress } from "@durable-workflow/test-support/loopback";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { doctor } from "../src/commands/doctor.js";
import type { Finding } from "../src/doctor/finding.js";
import { ADAPTERS, type Mutable, serve } from "./support/carriers.js";
import { type CommandRun, runCommand } from "./support/run-command.js";

const RECORDINGS = fileURLToPath(new URL("../../../../shared/contract/worker-protocol/", import.meta.url));
const TOKENS = { workerToken: "secret-worker", operatorToken: "secret-operator", adminToken: "secret-admin" };
const TOKEN_OF = {
  worker: "secret-worker",
  operator: "secret-operator",
  admin: "secret-admin",
  stranger: "secret-wrong",
};

const engines: LocalEngine[] = [];
let folder: string;
let open: string;
let locked: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "doctor-"));
  open = await engineUrl({});
  locked = await engineUrl({ auth: TOKENS });
});
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await rm(folder, { recursive: true, force: true });
});

async function engineUrl(options: Partial<LocalEngineOptions>): Promise<string> {
  const engine = createLocalEngine({ file: ":memory:", ...options });
  engines.push(engine);
  return (await engine.listen()).url;
}

/** Nothing of the machine that runs the test is looked at. */
const run = (
  url: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandRun> =>
  runCommand(doctor, ["--server", url, ...args], { env: { DW_CONFIG_HOME: folder, ...env }, cwd: folder });

interface Report {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

async function report(
  ...args: Parameters<typeof run>
): Promise<Report & { readonly status: Record<string, string>; readonly code: number }> {
  const done = await run(args[0], [...(args[1] ?? []), "--json"], args[2]);
  if (done.out === "") throw new Error(done.err);
  expect(done.out + done.err).not.toContain("secret-");
  const found = done.json() as Report;
  for (const { status, remedy } of found.findings) expect(remedy === null).toBe(status === "ok" || status === "skip");
  return {
    ...found,
    code: done.code,
    status: Object.fromEntries(found.findings.map(({ id, status }) => [id, status])),
  };
}

const as = (role: keyof typeof TOKEN_OF) => ({ DURABLE_WORKFLOW_AUTH_TOKEN: TOKEN_OF[role] });
const messageOf = ({ findings }: Report, id: string) => findings.find((one) => one.id === id)?.message;

describe("an engine in order", () => {
  it("that is open on this machine", async () => {
    const found = await report(open);
    expect(found.code).toBe(0);
    expect(found.status).toEqual({
      connection: "ok",
      "server.reachable": "ok",
      "server.ready": "ok",
      "auth.token": "ok",
      "protocol.features": "ok",
      "protocol.version": "ok",
      namespace: "ok",
      "protocol.accepted": "ok",
      "auth.worker": "ok",
      "auth.control": "ok",
      workers: "ok",
      contracts: "ok",
      artifacts: "ok",
      payloads: "ok",
      "executor_config.engine": "skip",
      "clock.engine": "ok",
      "executor_config.local": "skip",
    });
    const { out } = await run(open);
    expect(out).toContain(`✓ protocol.version  worker protocol ${PROTOCOL_VERSION}\n`);
    expect(out).toContain("15 ok, 0 to look at, 0 wrong.");
  });

  it("says of each token what it may do", async () => {
    const worker = await report(locked, [], as("worker"));
    expect(worker).toMatchObject({
      ok: true,
      status: { "auth.token": "ok", "auth.worker": "ok", "auth.control": "skip" },
    });
    const operator = await report(locked, [], as("operator"));
    expect(operator).toMatchObject({ ok: true, status: { "auth.worker": "warn", "auth.control": "ok" } });
    expect(messageOf(operator, "auth.worker")).toBe("the token is of operator: it may not lease and report tasks");
    const strict = await report(locked, ["--strict"], as("operator"));
    expect(strict).toMatchObject({ ok: false, code: 1 });
    const admin = await report(locked, [], as("admin"));
    expect(admin.status).toMatchObject({ "auth.worker": "warn", "auth.control": "ok" });
  });

  it("leaves nothing behind: no worker, no activity", async () => {
    await report(open);
    const headers = { "x-durable-workflow-control-plane-version": "2" };
    const { workers } = (await (await fetch(`${open}/api/workers`, { headers })).json()) as { workers: unknown[] };
    expect(workers).toEqual([]);
  });
});

describe("what is no engine", () => {
  it.each([
    [308, "the address redirects (308), which is not followed: the token would go along"],
    [401, "what answers wants credentials even for its health (401), and an engine does not"],
    [404, "something answers with 404, and is not a Durable Workflow engine"],
  ])("is told by its answer: %i", async (status, told) => {
    const url = await serve((_request, response) => {
      response.writeHead(status, { location: "https://engine.example/" }).end("<html>");
    });
    const found = await report(url);
    expect(found.code).toBe(1);
    expect(messageOf(found, "server.reachable")).toBe(told);
  });
});

describe("an engine that does not let in", () => {
  it("without a token, or with a wrong one: 1", async () => {
    const without = await report(locked);
    expect(without).toMatchObject({ ok: false, code: 1, status: { "auth.token": "fail", "server.ready": "ok" } });
    expect(messageOf(without, "auth.token")).toBe("the engine wants a token, and none was given");
    const wrong = await report(locked, [], as("stranger"));
    expect(messageOf(wrong, "auth.token")).toBe("the engine does not know the token");
  });

  it("to a namespace that is not there", async () => {
    const found = await report(open, ["--namespace", "nowhere"]);
    expect(found).toMatchObject({ code: 1, status: { namespace: "fail" } });
    expect(messageOf(found, "namespace")).toBe("there is no namespace nowhere");
  });
});

describe("an engine that cannot be used", () => {
  it("is not reached: 69, with how to start one", async () => {
    const { code, out } = await run(await closedAddress());
    expect(code).toBe(69);
    expect(out).toContain("✗ server.reachable");
    expect(out).toContain("dw-carrier dev runs one");
  });

  it("is something else, or does not answer in time", async () => {
    const page = await report(await serve((_, response) => response.end("<h1>It works</h1>")));
    expect(page).toMatchObject({ code: 1, status: { "server.reachable": "fail" } });
    const silent = await report(await serve((request) => request.resume()), ["--timeout", "0.2"]);
    expect(silent).toMatchObject({ code: 69, status: { "server.reachable": "fail" } });
  });

  it("is unhealthy or not ready", async () => {
    const sick = await report(
      await altered(({ path, body }) => (path === "/api/health" ? { ...body, status: "unhealthy" } : body)),
    );
    expect(sick).toMatchObject({ code: 1, status: { "server.reachable": "fail" } });
    const url = await serve((request, response) => {
      if (request.url !== "/api/ready") return passOn(request, response, open, ({ body }) => body);
      response.statusCode = 503;
      return response.end('{"status":"not_ready","checks":{"migrations":{"status":"error"},"cache":{"status":"ok"}}}');
    });
    expect(messageOf(await report(url), "server.ready")).toBe("the engine is not ready: migrations");
  });

  it.each<[string, (body: Mutable) => void, string, string]>([
    ["another major version", (info) => (info["worker_protocol"].version = "2.0"), "protocol.version", "fail"],
    ["no version", (info) => delete info["worker_protocol"].version, "protocol.version", "fail"],
    ["the version of April", (info) => (info["worker_protocol"].version = "1.0"), "protocol.version", "warn"],
    ["a newer minor version", (info) => (info["worker_protocol"].version = "1.99"), "protocol.version", "ok"],
    [
      "another contract",
      (info) => (info["worker_protocol"].external_task_result_contract.version = 2),
      "contracts",
      "fail",
    ],
    ["a contract left out", (info) => delete info["worker_protocol"].invocable_carrier_contract, "contracts", "fail"],
    ["an altered example", alterExample, "artifacts", "fail"],
    ["no examples", dropExamples, "artifacts", "warn"],
    [
      "a config in no known state",
      (info) => delete info["worker_protocol"].external_executor_config_contract.runtime,
      "executor_config.engine",
      "warn",
    ],
  ])("speaks of %s", async (_, change, id, status) => {
    const url = await altered(({ path, body }) => {
      if (path === "/api/cluster/info") change(body);
      return body;
    });
    const found = await report(url);
    expect(found.status[id]).toBe(status);
    expect(found.code).toBe(status === "fail" ? 1 : 0);
  });

  it.each([
    [3_600_000, "fail", / (?:59 min 59 s|1 h(?: 1 s)?) ahead of /],
    [-3_600_000, "fail", / (?:59 min 59 s|1 h(?: 1 s)?) behind /],
    [10_000, "warn", / (?:9|10|11) s ahead of /],
    [0, "ok", / agrees /],
  ])("has a clock that is off by %d ms", async (off, status, text) => {
    const url = await altered(
      ({ body }) => body,
      () => new Date(Date.now() + off).toUTCString(),
    );
    const found = await report(url);
    expect(found.status["clock.engine"]).toBe(status);
    // Give or take the half second that the Date header leaves open.
    expect(messageOf(found, "clock.engine")).toMatch(text);
  });

  it("does not say what time it is", async () => {
    const url = await altered(
      ({ body }) => body,
      () => undefined,
    );
    expect((await report(url)).status["clock.engine"]).toBe("skip");
  });

  it("tells what its version and its capabilities give, and what follows from what is missing", async () => {
    const capabilities = { activity_lease_renewal: true, worker_deregistration_fencing: FENCING };
    const older = await altered(({ path, body }) => {
      if (path === "/api/cluster/info") {
        body["worker_protocol"].version = SINCE.failureFlags;
        Object.assign(body["worker_protocol"].server_capabilities, capabilities);
      }
      return body;
    });
    const told = messageOf(await report(older), "protocol.features");
    expect(told).toMatch(
      /^the engine has repeated polls, .*renewal of leases apart from heartbeats, .*registrations that end/,
    );
    const [has = "", lacks = ""] = (told ?? "").split("; it has not ");
    for (const own of ["short leases for", "several tasks in one answer", "schemas of the arguments"])
      expect(has).toContain(own);
    expect(lacks).not.toContain("schemas of the arguments");
    expect(told).toContain(`asked without renewing its lease (it came with ${SINCE.taskStatus})`);

    const wrong = await altered(({ path, body }) => {
      const fencing = { ...FENCING, endpoint: "/elsewhere" };
      if (path === "/api/cluster/info") {
        body["worker_protocol"].server_capabilities.worker_deregistration_fencing = fencing;
      }
      return body;
    });
    const found = await report(wrong);
    expect(found).toMatchObject({ code: 1, status: { "protocol.features": "fail" } });
    expect(messageOf(found, "protocol.features")).toContain("worker_deregistration_fencing.endpoint: must be /worker/");
  });

  it("echoes a token, which is not shown", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/api/health") response.end('{"status":"serving"}');
      else response.writeHead(500).end(JSON.stringify({ message: `bad ${request.headers.authorization ?? ""}` }));
    });
    const found = await report(url, [], as("worker"));
    expect(messageOf(found, "auth.token")).toBe("the engine answered 500: bad Bearer [redacted]");
  });
});

const FENCING = {
  supported: true,
  schema: FENCING_SCHEMA,
  endpoint: FENCING_ENDPOINT,
  receipt_retention_seconds: 600,
};

function alterExample(info: Mutable): void {
  const { fixtures } = info["worker_protocol"].external_task_input_contract;
  for (const artifact of Object.values<Mutable>(fixtures)) artifact["example"].task.id += "x";
}

function dropExamples(info: Mutable): void {
  for (const contract of Object.values<Mutable>(info["worker_protocol"]))
    if (typeof contract === "object") delete contract["fixtures"];
}

type Change = (answer: { readonly path: string; readonly body: Mutable }) => Mutable;

/** The open engine behind something that changes its answers. */
function altered(change: Change, date?: () => string | undefined): Promise<string> {
  return serve((request, response) => passOn(request, response, open, change, date));
}

function passOn(
  request: IncomingMessage,
  response: Parameters<RequestListener>[1],
  engine: string,
  change: Change,
  date?: () => string | undefined,
): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    void (async () => {
      const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
      const { method = "GET", url: path = "" } = request;
      const sent = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) };
      const answer = await fetch(engine + path, { method, headers: headers as Record<string, string>, ...sent });
      const body = change({ path, body: (await answer.json()) as Mutable });
      if (date !== undefined) response.sendDate = false;
      const at = date?.();
      response.writeHead(answer.status, {
        "content-type": "application/json",
        ...(at === undefined ? {} : { date: at }),
      });
      response.end(JSON.stringify(body));
    })();
  });
}

describe("the engine's executor config", () => {
  it("is valid, or refused with every error", async () => {
    const path = join(folder, "engine.json");
    await writeFile(path, JSON.stringify(config({ c: { url: "http://127.0.0.1:1/" } })));
    const url = await engineUrl({ externalExecutorConfig: { path } });
    expect((await report(url)).status["executor_config.engine"]).toBe("ok");
    await writeFile(path, JSON.stringify(config({ c: { url: "http://example.com/" } })));
    const found = await report(url);
    expect(found).toMatchObject({ code: 1, status: { "executor_config.engine": "fail" } });
    expect(messageOf(found, "executor_config.engine")).toContain("invalid_carrier_target");
  });
});

type Carriers = Readonly<Record<string, { readonly url: string; readonly authRef?: string }>>;

function config(carriers: Carriers, authRefs: object = {}): object {
  const entries = Object.entries(carriers);
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    auth_refs: authRefs,
    carriers: Object.fromEntries(
      entries.map(([name, { url }]) => [name, { type: "invocable_http", url, capabilities: ["activity_task"] }]),
    ),
    mappings: entries.map(([name, { authRef }]) => ({
      name,
      kind: "activity",
      task_queue: "q",
      activity_type: name,
      carrier: name,
      handler: name,
      auth_ref: authRef,
    })),
  };
}

async function writeConfig(document: object): Promise<string> {
  const path = join(folder, `config-${Math.random()}.json`);
  await writeFile(path, JSON.stringify(document));
  return path;
}

describe("this machine's executor config", () => {
  const handlers = { greet: () => "hello" };
  const AUTH = { handler: { type: "env", env: "HANDLER_TOKEN" }, none: { type: "env", env: "NOT_SET" } };

  it("is checked with each of its carriers and their credentials", async () => {
    const guarded = await serve(ADAPTERS["node:http"]!(handlers, { auth: bearerToken("secret-handler") }));
    const unguarded = await serve(ADAPTERS["node:http"]!(handlers));
    const path = await writeConfig(
      config(
        {
          guarded: { url: guarded, authRef: "handler" },
          stranger: { url: guarded },
          unset: { url: guarded, authRef: "none" },
          local: { url: unguarded },
          unguarded: { url: unguarded, authRef: "handler" },
          gone: { url: await closedAddress() },
          page: { url: await serve((_, response) => response.end("<h1>Hello</h1>")) },
        },
        AUTH,
      ),
    );
    const found = await report(open, ["--config", path], { HANDLER_TOKEN: "secret-handler" });
    expect(found.status).toMatchObject({
      "executor_config.local": "ok",
      "carrier.guarded": "ok",
      "carrier.guarded.guard": "ok",
      "carrier.guarded.clock": "ok",
      "carrier.stranger": "fail",
      "carrier.unset": "fail",
      "carrier.local": "ok",
      "carrier.local.guard": "skip",
      "carrier.unguarded": "ok",
      "carrier.unguarded.guard": "warn",
      "carrier.gone": "fail",
      "carrier.page": "fail",
    });
    expect(messageOf(found, "carrier.unset")).toBe("the credential none is not set");
    const wrong = await report(open, ["--config", path], { HANDLER_TOKEN: "secret-other" });
    expect(messageOf(wrong, "carrier.guarded")).toContain("refuses the credential (401)");
  });

  it("is read from where the dispatcher reads it, with its overlay", async () => {
    const document = {
      ...config({ c: { url: await closedAddress() } }),
      overlays: { up: { carriers: { c: { url: open } } } },
    };
    const env = { DW_EXTERNAL_EXECUTOR_CONFIG_PATH: await writeConfig(document) };
    expect(messageOf(await report(open, [], env), "carrier.c")).toContain("nothing listens there");
    expect(messageOf(await report(open, ["--overlay", "up"], env), "carrier.c")).toContain("answered 404");
  });

  it("makes a token that cannot dispatch a failure", async () => {
    const path = await writeConfig(config({ c: { url: await serve(ADAPTERS["node:http"]!(handlers)) } }));
    const found = await report(locked, ["--config", path], as("operator"));
    expect(found).toMatchObject({ code: 1, status: { "auth.worker": "fail" } });
  });

  it("is refused with every error, and leaves out processes", async () => {
    const broken = await writeConfig(config({ a: { url: "http://example.com/" }, b: { url: "ftp://x" } }));
    const message = messageOf(await report(open, ["--config", broken]), "executor_config.local");
    expect(message).toContain("invalid_carrier_target carriers.a.url");
    expect(message).toContain("invalid_carrier_target carriers.b.url");
    expect(messageOf(await report(open, ["--config", "missing.json"]), "executor_config.local")).toContain(
      "unreadable_config",
    );
    const processes = config({ p: { url: "" } }) as Mutable;
    processes["carriers"].p = { type: "process", command: ["node"], capabilities: ["activity_task"] };
    expect((await report(open, ["--config", await writeConfig(processes)])).status["carrier.p"]).toBe("skip");
  });
});

describe("what cannot be settled", () => {
  it("is a bad setting: 78, or a command line without sense: 2", async () => {
    expect((await run("nonsense")).code).toBe(78);
    expect((await run(open, ["--profile", "nowhere"])).code).toBe(78);
    expect((await run(open, ["--token-env", "NOT_SET"])).code).toBe(78);
    expect((await run(open, ["more"])).code).toBe(2);
    expect((await run(open, ["--timeout", "x"])).code).toBe(2);
  });

  it("is interrupted: 1", async () => {
    const url = await serve((request) => request.resume());
    const options = { env: { DW_CONFIG_HOME: folder }, signal: AbortSignal.timeout(50) };
    expect((await runCommand(doctor, ["--server", url], options)).code).toBe(1);
  });
});

const hasRecordings = existsSync(RECORDINGS);
describe.skipIf(!hasRecordings)(
  `a server of April 2026${hasRecordings ? "" : " (skipped: its recordings are not there)"}`,
  () => {
    const recorded = (file: string) => JSON.parse(readFileSync(join(RECORDINGS, `${file}.json`), "utf8")) as Mutable;

    /** Answers as the server did that was recorded: by role, route and version. */
    function april(info: string): RequestListener {
      return (request, response) => {
        const { url = "", headers } = request;
        const isWorker = headers.authorization === "Bearer secret-worker";
        const play = (file: string, change: (body: Mutable) => void = () => {}) => {
          const { status, body } = recorded(file)["response"];
          change(body);
          response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
        };
        request.resume();
        if (url === "/api/health") play("004-health");
        else if (url === "/api/ready") play("005-ready");
        else if (headers.authorization === undefined) play("003-cluster-info-no-token");
        else if (url === "/api/cluster/info") play(info);
        else if (url === "/api/worker/heartbeat") {
          if (headers["x-durable-workflow-protocol-version"] !== "1.0") play("013-protocol-version-wrong");
          else if (isWorker) play("038-worker-heartbeat-unknown");
          else play("009-auth-operator-on-worker-route");
        } else if (url === "/api/workers") play(isWorker ? "011-auth-worker-on-control-plane" : "039-workers-list");
        else play("026-unknown-route");
      };
    }

    it("is found out, its examples verified, with a worker's token and an operator's", async () => {
      const url = await serve(april("002-cluster-info-worker-token"));
      const worker = await report(url, [], as("worker"));
      expect(worker.status).toMatchObject({
        "auth.token": "ok",
        "protocol.version": "warn",
        "protocol.accepted": "ok",
        "auth.worker": "ok",
        "auth.control": "skip",
        contracts: "ok",
        artifacts: "ok",
        "executor_config.engine": "skip",
      });
      expect(messageOf(worker, "artifacts")).toContain("10 published examples");
      const operator = await report(url, [], as("operator"));
      expect(operator.status).toMatchObject({ "auth.worker": "warn", "auth.control": "warn" });
      expect(messageOf(operator, "auth.control")).toContain("no standalone activities");
    });

    it("says what it thinks of its executor config", async () => {
      const valid = await report(await serve(april("501-ext-cluster-info")), [], as("worker"));
      expect(messageOf(valid, "executor_config.engine")).toBe("external-executor.json: 4 mappings, 3 carriers");
      const invalid = await report(await serve(april("521-ext-cluster-info-invalid-config")), [], as("worker"));
      expect(invalid).toMatchObject({ code: 1, status: { "executor_config.engine": "fail" } });
      expect(messageOf(invalid, "executor_config.engine")).toContain("unknown_auth_ref");
    });
  },
);
