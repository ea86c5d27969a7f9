import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bearerToken } from "@durable-workflow/carrier";
import { decodePayload, projectForJson } from "@durable-workflow/carrier/payload";
import { externalTaskInputViolations, parseExternalTaskInput } from "@durable-workflow/carrier/protocol";
import { conformanceHandlers } from "@durable-workflow/carrier/testing";
import { closedAddress } from "@durable-workflow/test-support/loopback";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { invoke } from "../src/commands/invoke.js";
import { ADAPTERS, alteredCarrier, type Mutable, serve, withResult } from "./support/carriers.js";
import { type RunOptions, runCommand } from "./support/run-command.js";

const TOKEN = "invoke-secret";
const run = (args: readonly string[], options?: RunOptions) => runCommand(invoke, args, options);

let url: string;
let guarded: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "invoke-"));
  url = await serve(ADAPTERS["node:http"]!(conformanceHandlers));
  guarded = await serve(ADAPTERS["node:http"]!(conformanceHandlers, { auth: bearerToken(TOKEN) }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("an activity that returns", () => {
  /** As it is shown; sent in the same notation. */
  it.each([
    ["[7]", "7"],
    ['["é\u{1f600}"]', '"é\u{1f600}"'],
    ["[9007199254740993]", '{\n  "$type": "long",\n  "value": "9007199254740993"\n}'],
    [
      '[{"$type":"long","value":"-9223372036854775808"}]',
      '{\n  "$type": "long",\n  "value": "-9223372036854775808"\n}',
    ],
    ['[{"$type":"bytes","base64":"AQI="}]', '{\n  "$type": "bytes",\n  "base64": "AQI="\n}'],
    ["[0.5]", "0.5"],
    ["[[1,[null]]]", "[\n  1,\n  [\n    null\n  ]\n]"],
    ['[{"$type":"map","entries":[{"key":"0","value":true}]}]', '"entries"'],
    ['"alone"', '"alone"'],
    [undefined, "null"],
  ])("shows its value: %s", async (args, shown) => {
    const { code, out, err } = await run([url, "conformance.echo", ...(args === undefined ? [] : [args])]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(shown);
    expect(out).toMatch(/succeeded \d+ ms by conformance\.echo \(.+\)\n$/);
  });

  it("keeps kinds: a double in, a double out", async () => {
    const { json } = await run([url, "conformance.as-double", "[7]", "--json"]).then((done) => ({
      json: () => done.json(),
    }));
    expect(json()).toMatchObject({
      ok: true,
      outcome: "succeeded",
      status: 200,
      value: { $type: "double", value: "7.0" },
    });
  });

  it("takes arguments from standard input and from a file", async () => {
    await writeFile(join(folder, "args.json"), '["from a file"]');
    expect((await run([url, "conformance.echo", "-"], { stdin: '["piped"]' })).out).toContain('"piped"');
    expect((await run([url, "conformance.echo", "@args.json"], { cwd: folder })).out).toContain('"from a file"');
  });
});

describe("an activity that fails", () => {
  it("is shown with all that it says: 1", async () => {
    const args = [url, "conformance.fail-with-details", '["over the limit", {"limit": 7}]'];
    const { code, out } = await run(args);
    expect(code).toBe(1);
    expect(out).toContain("ConformanceFailure: over the limit\napplication / application_error, may be retried\n");
    expect(out).toContain('details {\n  "limit": 7\n}');
    const done = await run([...args, "--json"]);
    expect(done.json()).toMatchObject({
      ok: false,
      outcome: "failed",
      failure: { type: "ConformanceFailure", retryable: true, details: { limit: 7 }, stackTrace: expect.any(String) },
    });
  });

  it.each([
    ["conformance.fail-non-retryable", "not to be retried"],
    ["no.such.activity", "UnknownActivityHandler"],
    ["conformance.return-unencodable", "decode_failure / decode_failure"],
  ])("%s", async (type, shown) => {
    const { code, out } = await run([url, type, '["x"]']);
    expect([code, out]).toEqual([1, expect.stringContaining(shown)]);
  });

  it("by a reference that no driver reads", async () => {
    const reference = { $type: "reference", uri: "s3://bucket/key", sha256: "a".repeat(64), size_bytes: 3 };
    const { code, out } = await run([url, "conformance.echo", JSON.stringify(reference)]);
    expect([code, out]).toEqual([1, expect.stringContaining("unsupported_payload_reference")]);
  });

  it("by its own deadline", async () => {
    const { out } = await run([url, "conformance.sleep", "[5000]", "--start-to-close", "0.2"]);
    expect(out).toContain("timeout / deadline_exceeded");
  });
});

describe("a carrier that does not do as the contract says", () => {
  it("answers for another task: 1, with what differs", async () => {
    const wrong = await alteredCarrier((answer) =>
      withResult(answer, (result: Mutable) => (result["task"].attempt = 9)),
    );
    const { code, out } = await run([wrong, "conformance.echo", "[1]"]);
    expect(code).toBe(1);
    expect(out).toContain("the answer is not of the contract");
    expect(out).toContain("malformed_output task.attempt: must be that of the request, 1");
  });

  it("answers HTML, another status or another media type", async () => {
    const html = await serve((_, response) => response.end("<h1>Hello\u001b[2J</h1>"));
    const page = await run([html, "greet"]);
    expect([page.code, page.out]).toEqual([1, expect.stringContaining("<h1>Hello")]);
    expect(page.out).not.toContain("\u001b");
    const wrong = await alteredCarrier((answer) => ({ ...answer, status: 500, headers: {} }));
    const odd = (await run([wrong, "conformance.echo", "--json"])).json();
    expect(odd).toMatchObject({ outcome: "invalid", violations: [{ path: "status" }, { path: "content-type" }] });
    const busy = await serve((_, response) => response.writeHead(503).end("later"));
    expect((await run([busy, "greet", "--json"])).json()).toMatchObject({
      ok: false,
      outcome: "refused",
      status: 503,
      refusal: { error: null, message: "later" },
    });
  });

  it("cannot be reached, or is silent: 69", async () => {
    const gone = await run([await closedAddress(), "greet"]);
    expect([gone.code, gone.err]).toEqual([69, expect.stringContaining("nothing listens there")]);
    const silent = await run([await serve((request) => request.resume()), "greet", "--timeout", "0.2"]);
    expect([silent.code, silent.err]).toEqual([69, expect.stringContaining("no answer within 0.2 s")]);
  });
});

describe("the credential", () => {
  it("lets in, from the environment or the option, and is never shown", async () => {
    const refused = await run([guarded, "conformance.echo", "--token", "wrong-secret"]);
    expect([refused.code, refused.out]).toEqual([1, expect.stringContaining("refused with 401\nunauthorized: ")]);
    expect(refused.out + refused.err).not.toContain("wrong-secret");
    expect((await run([guarded, "conformance.echo", "--token", TOKEN])).code).toBe(0);
    expect((await run([guarded, "conformance.echo", "--token-env", "T"], { env: { T: TOKEN } })).code).toBe(0);
  });
});

describe("--print and --envelope", () => {
  it("writes a valid envelope, with or without a URL, and sends nothing", async () => {
    const options = ["--task-queue", "billing", "--task-id", "t-1", "--attempt", "3", "--idempotency-key", "k"];
    const more = [
      "--execution-id",
      "e-1",
      "--header",
      "traceparent=00-1-2-01",
      "--lease",
      "60",
      "--start-to-close",
      "30",
    ];
    for (const target of [[], [await closedAddress()]]) {
      const { code, out } = await run(["--print", ...target, "billing.charge", "[7.0]", ...options, ...more]);
      expect(code).toBe(0);
      const document: unknown = JSON.parse(out);
      expect(externalTaskInputViolations(document)).toEqual([]);
      const parsed = parseExternalTaskInput(document);
      expect(parsed.task).toMatchObject({ id: "t-1", attempt: 3, taskQueue: "billing", handler: "billing.charge" });
      expect(parsed).toMatchObject({
        task: { idempotencyKey: "k" },
        headers: { activity_execution_id: "e-1", traceparent: "00-1-2-01" },
      });
      const value = decodePayload(parsed.arguments, { lossless: true });
      expect(projectForJson(value)).toEqual([{ $type: "double", value: "7.0" }]);
    }
  });

  it("writes references, and no arguments as null", async () => {
    const reference = { uri: "s3://bucket/key", sha256: "a".repeat(64), size_bytes: 3 };
    const stored = await run(["--print", "a", JSON.stringify({ $type: "reference", ...reference })]);
    expect(stored.json()).toMatchObject({ payloads: { arguments: { codec: "avro", external_storage: reference } } });
    expect((await run(["--print", "a"])).json()).toMatchObject({ payloads: { arguments: null } });
  });

  it("sends an envelope as it is, from a file or standard input, broken ones too", async () => {
    const file = join(folder, "task.json");
    await writeFile(file, (await run(["--print", "conformance.echo", '["again"]'])).out);
    expect((await run([url, "--envelope", "task.json"], { cwd: folder })).out).toContain('"again"');
    const broken = await run([url, "--envelope", "-"], { stdin: '{"schema":' });
    expect([broken.code, broken.out]).toEqual([1, expect.stringContaining("invalid_invocable_request: ")]);
    expect((await run(["--print", "--envelope", file])).json()).toMatchObject({
      task: { handler: "conformance.echo" },
    });
    expect((await run([url, "--envelope", "missing.json"])).code).toBe(78);
  });
});

describe("a command line without sense: 2", () => {
  it.each([
    [[], "URL is missing"],
    [["http://127.0.0.1:1/"], "TYPE is missing"],
    [["greet", "[1]"], "URL must be of http or https, got greet"],
    [["http://127.0.0.1:1/", "a", "[1", "2]"], "one argument too many"],
    [["http://127.0.0.1:1/", "a", "--envelope", "-"], "one argument too many"],
    [["http://127.0.0.1:1/", "a", "[1"], "not JSON"],
    [["http://127.0.0.1:1/", "a", '[{"$type":"longer"}]'], "$type"],
    [["http://127.0.0.1:1/", "a", '{"$type":"reference","uri":"x"}'], "uri: must be a URI with a scheme"],
    [["http://127.0.0.1:1/", "a", "--attempt", "0"], "--attempt must be"],
    [["http://127.0.0.1:1/", "a", "--lease", "0"], "--lease"],
    [["http://127.0.0.1:1/", "a", "--header", "traceparent"], "NAME=VALUE"],
  ] as const)("%j", async (args, message) => {
    const { code, err } = await run(args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
