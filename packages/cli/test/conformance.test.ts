import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { bearerToken, handleInvocableHttpRequest } from "@durable-workflow/carrier";
import { conformanceAuthCases, conformanceCases, conformanceHandlers } from "@durable-workflow/carrier/testing";
import { closedAddress, listen } from "@durable-workflow/test-support/loopback";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conformance } from "../src/commands/conformance.js";
import { ADAPTERS, alteredCarrier, type Mutable, type PreparedAnswer, serve, withResult } from "./support/carriers.js";
import { runCommand } from "./support/run-command.js";
import { readXml } from "./support/xml.js";

const TOKEN = "conformance-secret";
const ONE_KIND_OF_NUMBER = "values/double-echoed=JavaScript has one kind of number";

const run = (...args: readonly string[]) => runCommand(conformance, args, { env: { CARRIER_TOKEN: TOKEN } });

interface Report {
  readonly ok: boolean;
  readonly goneAfter: string | null;
  readonly summary: Readonly<Record<string, number>>;
  readonly cases: readonly {
    readonly id: string;
    readonly status: string;
    readonly reason: string | null;
    readonly differences: readonly { readonly what: string; readonly expected: string; readonly received: string }[];
  }[];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conformance-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What differs in the cases that do not pass, by case. */
async function differences(url: string, ...args: readonly string[]): Promise<Readonly<Record<string, string[]>>> {
  const { cases } = (await run(url, "--json", ...args)).json() as Report;
  const differing = cases.filter(({ status }) => status !== "passed");
  return Object.fromEntries(differing.map((one) => [one.id, one.differences.map(({ what }) => what)]));
}

describe("the library's own carrier", () => {
  it.concurrent.each(Object.entries(ADAPTERS))("conforms, guarded, through its adapter: %s", async (_, adapter) => {
    const url = await serve(adapter(conformanceHandlers, { auth: bearerToken(TOKEN) }));
    const tested = await run(url, "--token-env", "CARRIER_TOKEN", "--strict", "--accept", ONE_KIND_OF_NUMBER, "--json");
    const { ok, summary, cases } = tested.json() as Report;
    expect(cases.filter(({ status }) => status === "failed")).toEqual([]);
    expect(summary).toEqual({
      cases: conformanceCases.length + conformanceAuthCases.length,
      passed: conformanceCases.length + conformanceAuthCases.length - 1,
      requiredFailed: 0,
      recommendedFailed: 0,
      accepted: 1,
      notRun: 0,
    });
    expect([ok, tested.code]).toEqual([true, 0]);
  });

  it("does not, strictly, without the one known difference being accepted", async () => {
    const url = await serve(ADAPTERS["node:http"]!(conformanceHandlers));
    const lenient = await run(url, "--only", "values");
    expect(lenient.code).toBe(0);
    expect(lenient.out).toContain("The carrier conforms: ");
    expect(lenient.out).toContain("1 recommended failed");
    const strict = await run(url, "--only", "values", "--strict");
    expect(strict.code).toBe(1);
    expect(strict.out).toContain("values/double-echoed (recommended)");
    expect(strict.out).toContain("7.0 is not 7");
    const accepted = await run(url, "--only", "values", "--strict", "--accept", ONE_KIND_OF_NUMBER);
    expect(accepted.code).toBe(0);
    expect(accepted.out).toContain("accepted: JavaScript has one kind of number");
  });
});

type Alteration = (answer: PreparedAnswer) => PreparedAnswer;
const result =
  (change: (result: Mutable) => void): Alteration =>
  (answer) =>
    withResult(answer, change);
const failed = (change: (failure: Mutable, result: Mutable) => void): Alteration =>
  result((document) => {
    if (document["failure"] !== undefined) change(document["failure"], document);
  });

/** What may be wrong with a carrier, a case that must notice, and what it must say differs. */
const WRONG: readonly (readonly [name: string, only: string, what: string, alter: Alteration])[] = [
  ["a server error for a failure", "failure/thrown", "status", (answer) => ({ ...answer, status: 500 })],
  ["400 for what cannot be encoded", "result/unencodable", "status", (answer) => ({ ...answer, status: 400 })],
  ["another media type", "identity/echoed", "headers.content-type", (answer) => ({ ...answer, headers: {} })],
  ["no JSON", "identity/echoed", "body", (answer) => ({ ...answer, body: "<html></html>" })],
  ["an empty body", "identity/echoed", "body", (answer) => ({ ...answer, body: "" })],
  ["another version", "identity/echoed", "version", result((document) => (document["version"] = 2))],
  ["an id of its own", "identity/unicode", "task", result(({ task }) => (task.id = "other"))],
  ["a trimmed id", "identity/blank", "task", result(({ task }) => (task.id = task.id.trim()))],
  ["the attempt forgotten", "identity/late-attempt", "task", result(({ task }) => (task.attempt = 1))],
  ["another idempotency key", "identity/echoed", "task", result(({ task }) => (task.idempotency_key = "x"))],
  ["nothing recorded", "identity/echoed", "outcome.recorded", result(({ outcome }) => (outcome.recorded = false))],
  ["no handler named", "identity/echoed", "metadata.handler", result(({ metadata }) => delete metadata.handler)],
  ["no carrier named", "identity/echoed", "metadata.carrier", result(({ metadata }) => delete metadata.carrier)],
  [
    "a fraction of ms",
    "identity/echoed",
    "metadata.duration_ms",
    result(({ metadata }) => (metadata.duration_ms = 0.5)),
  ],
  [
    "another content type",
    "identity/echoed",
    "result.metadata.content_type",
    result((r) => (r["result"].metadata = {})),
  ],
  [
    "no payload",
    "values/long",
    "result.payload, decoded",
    result((r) => (r["result"].payload.blob = "wwHioz3/VYAiNwA=")),
  ],
  [
    "a payload in JSON",
    "values/long",
    "result.payload",
    result((r) => (r["result"].payload = { codec: "json", blob: "7" })),
  ],
  ["retries for good", "failure/non-retryable", "outcome.retryable", failed((_, r) => (r["outcome"].retryable = true))],
  ["no retries", "failure/thrown", "outcome.retryable", failed((_, r) => (r["outcome"].retryable = false))],
  [
    "a type error as decode failure",
    "failure/type-error",
    "failure.kind",
    failed((f) => (f["kind"] = "decode_failure")),
  ],
  ["another class", "failure/thrown", "failure.classification", failed((f) => (f["classification"] = "handler_crash"))],
  ["the name lost", "failure/thrown", "failure.type", failed((f) => (f["type"] = "Error"))],
  ["an empty message", "failure/no-message", "failure.message", failed((f) => (f["message"] = " "))],
  ["another message", "failure/thrown", "failure.message", failed((f) => (f["message"] = "oops"))],
  ["no stack trace", "failure/stack-trace", "failure.stack_trace", failed((f) => (f["stack_trace"] = null))],
  ["untagged details", "failure/details", "failure.details", failed((f) => (f["details"] = { limit: 7 }))],
  ["not cancelled", "cancellation/reported", "failure.kind", failed((f) => (f["kind"] = "application"))],
  [
    "another timeout",
    "deadlines/past-on-receipt/lease.expires_at",
    "failure.timeout_type",
    failed((f) => (f["timeout_type"] = null)),
  ],
  [
    "unnamed deadline",
    "deadlines/past-on-receipt/lease.expires_at",
    "failure.details",
    failed((f) => (f["details"] = null)),
  ],
  ["a failure that succeeds", "failure/thrown", "outcome", (answer) => ({ ...answer, body: successFor(answer.body) })],
  [
    "another error code",
    "body/empty",
    "body.error",
    (answer) => ({ ...answer, body: '{"error":"bad","message":"x"}' }),
  ],
  ["an HTML refusal", "input/id-null", "body", (answer) => ({ ...answer, body: "<h1>Bad Request</h1>" })],
  [
    "422 for 400",
    "input/attempt-0",
    "status",
    (answer) => ({ ...answer, status: answer.status === 400 ? 422 : answer.status }),
  ],
  [
    "no Allow",
    "http/patch",
    "headers.allow",
    (answer) => ({ ...answer, headers: { "content-type": "application/json" } }),
  ],
];

function successFor(body: string): string {
  const { failure: _, outcome: __, ...rest } = JSON.parse(body) as Mutable;
  return JSON.stringify({ ...rest, outcome: { status: "succeeded", recorded: true }, result: null });
}

describe("a carrier that is wrong", () => {
  it.each(WRONG)("is told of %s", async (_, only, what, alter) => {
    // The way there is always open: what is looked at is one case.
    const url = await alteredCarrier((answer, { text }) =>
      text.includes("conformance-preflight") ? answer : alter(answer),
    );
    const found = await differences(url, "--only", only);
    expect(Object.keys(found)).toEqual([only]);
    expect(found[only]).toContain(what);
  });

  it("is told that it lets strangers in", async () => {
    const url = await serve(ADAPTERS["node:http"]!(conformanceHandlers));
    const found = await differences(url, "--only", "auth", "--token", TOKEN);
    expect(Object.keys(found)).toEqual(
      conformanceAuthCases.map(({ id }) => id).filter((id) => id !== "auth/scheme-in-any-case"),
    );
    expect(found["auth/no-token"]).toEqual(["status"]);
  });

  it("is told that it drops connections, or never answers", async () => {
    const url = await serve((request, response) => {
      request.resume();
      request.once("end", () => {
        if (request.headers["content-length"] === "2") response.socket?.destroy();
        else if (request.headers["content-length"] !== "0") answerPreflight(response);
      });
    });
    const found = await differences(url, "--only", "body/list", "--only", "body/empty", "--timeout", "0.3");
    expect(found).toEqual({ "body/empty": ["answer"], "body/list": ["answer"] });
    const { out } = await run(url, "--only", "body/list", "--only", "body/empty", "--timeout", "0.3");
    expect(out).toContain("no answer within 0.3 s");
    expect(out).toContain("the connection ended before the answer did");
  });
});

describe("a carrier that is gone", () => {
  const HOSTILE = conformanceCases.filter(({ hostile }) => hostile === true).map(({ id }) => id);
  const LETHAL = HOSTILE[0]!;

  /** Whether a request is that of the case of that id: they have no other mark. */
  const isOf = (id: string, sent: string): boolean => {
    const { document } = conformanceCases.find((test) => test.id === id)!.request({ now: 0 });
    const { payloads } = document as { payloads: { arguments: { blob: string } } };
    return sent.includes(payloads.arguments.blob);
  };

  it("is named once, with the case after which it went, and the rest is not run", async () => {
    const carrier = await listen(
      createServer((request, response) => {
        void textOf(request).then(async (sent) => {
          if (isOf(LETHAL, sent)) return carrier.close();
          const { statusCode, headers, body } = await handleInvocableHttpRequest(sent, conformanceHandlers);
          response.writeHead(statusCode, headers).end(body);
        });
      }),
    );
    const file = join(folder, "gone.xml");
    const args = ["--only", "undecodable", "--only", "identity", "--json", "--junit", file];
    const tested = await run(carrier.url, ...args);
    const { ok, goneAfter, cases, summary } = tested.json() as Report;
    expect([ok, tested.code, goneAfter]).toEqual([false, 1, LETHAL]);
    expect(cases.filter(({ status }) => status === "failed").map(({ id }) => id)).toEqual([LETHAL]);
    expect(cases.filter(({ status }) => status === "not_run").map(({ id }) => id)).toEqual(HOSTILE.slice(1));
    expect([summary["requiredFailed"], summary["notRun"]]).toEqual([1, HOSTILE.length - 1]);
    expect(readFileSync(file, "utf8")).toContain(`not run: the carrier was gone after ${LETHAL}`);
  });

  it("is one that answers nothing any more, too; what was under way with the named case is not run", async () => {
    let answers = 0;
    const url = await serve((request, response) => {
      request.resume();
      request.once("end", () => {
        if (answers++ === 0) answerPreflight(response);
      });
    });
    const { out, code } = await run(url, "--only", "deadlines/finished-after", "--timeout", "0.2");
    expect(code).toBe(1);
    expect(
      out.match(/The carrier was gone after deadlines\/finished-after\/[a-z._]+; the rest is not run\./g),
    ).toHaveLength(1);
    expect(out.match(/no answer within/g)).toHaveLength(1);
    expect(out).toContain("1 required failed, 3 not run");
  });

  it("is not one that is back at once", async () => {
    const url = await alteredCarrier((answer, { text: sent, message }) => {
      if (isOf(LETHAL, sent)) message.socket.destroy();
      return answer;
    });
    const { goneAfter, cases } = (await run(url, "--only", "undecodable", "--json")).json() as Report;
    expect(goneAfter).toBeNull();
    expect(cases.filter(({ status }) => status !== "passed").map(({ id }) => id)).toEqual([LETHAL]);
  });
});

it("tells a finding once, with all cases that have it", async () => {
  const url = await alteredCarrier((answer, { text }) =>
    text.includes("preflight") || answer.status !== 400 ? answer : { ...answer, status: 422 },
  );
  const { out } = await run(url, "--only", "input");
  const cases = conformanceCases.filter(({ id }) => id.startsWith("input/"));
  expect(out.match(/ {6}expected 400\n/g)).toHaveLength(1);
  for (const { id } of cases) expect(out).toContain(`${id} (required)`);
  expect(out).toContain(`${cases.length} required failed`);
});

function answerPreflight(response: { end: (body: string) => unknown }): void {
  response.end("{}");
}

it("shows what a carrier wrote without letting it steer the terminal", async () => {
  const url = await alteredCarrier((answer, { text }) =>
    text.includes("conformance-preflight") ? answer : { ...answer, body: "\u001b]0;title\u0007\u001b[2J\nnext line" },
  );
  const { out } = await run(url, "--only", "identity/echoed");
  expect(out).toContain("]0;title");
  expect(out).toContain("\n               next line");
  for (const control of ["\u001b", "\u0007"]) expect(out).not.toContain(control);
});

describe("what cannot be tested", () => {
  it("is unreachable: 69", async () => {
    const { code, err } = await run(await closedAddress());
    expect(code).toBe(69);
    expect(err).toContain("nothing listens there (ECONNREFUSED)");
  });

  it("is a closed door: 1, with what to do about it", async () => {
    const url = await serve(ADAPTERS["node:http"]!(conformanceHandlers, { auth: bearerToken(TOKEN) }));
    const without = await run(url);
    expect([without.code, without.err]).toEqual([1, expect.stringContaining("--token-env NAME")]);
    const wrong = await run(url, "--token", "wrong-secret");
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("does not take this token")]);
    expect(wrong.err + wrong.out).not.toContain("wrong-secret");
  });

  it("is no carrier: 1", async () => {
    const { code, err } = await run(
      await serve((_, response) => {
        response.writeHead(404).end("<h1>Not Found</h1>");
      }),
    );
    expect([code, err]).toEqual([1, expect.stringContaining("no carrier listens there")]);
  });

  it("is a carrier without the conformance activities: 1", async () => {
    const { code, err } = await run(await serve(ADAPTERS["node:http"]!({ greet: () => "hello" })));
    expect([code, err]).toEqual([1, expect.stringContaining("has no activity conformance.echo")]);
    expect(err).toContain("docs/reference/cli-tools.md");
  });

  it.each([
    [["ftp://example.com/"], "of http or https"],
    [["https://me:secret@example.com/"], "--token-env"],
    [[], "URL is missing"],
    [["http://127.0.0.1:1/", "more"], "one argument too many"],
    [["http://127.0.0.1:1/", "--only", "nothing"], "--only nothing names no case"],
    [["http://127.0.0.1:1/", "--only", "auth"], "need a token"],
    [["http://127.0.0.1:1/", "--accept", "identity/echoed"], "ID=REASON"],
    [["http://127.0.0.1:1/", "--accept", "identity/echoed= "], "ID=REASON"],
    [["http://127.0.0.1:1/", "--accept", "nothing=why"], "--accept nothing names no case"],
    [["http://127.0.0.1:1/", "--timeout", "soon"], "--timeout must be a number of seconds"],
    [["http://127.0.0.1:1/", "--token", "a", "--token-env", "b"], "both name a token"],
  ] as const)("is a command line without sense: 2 %j", async (args, message) => {
    const { code, err } = await run(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(err).not.toContain("secret");
  });

  it("is a token that is not there, or none: 78", async () => {
    const missing = await run("http://127.0.0.1:1/", "--token-env", "NOT_SET");
    expect([missing.code, missing.err]).toEqual([78, expect.stringContaining("NOT_SET")]);
    const broken = await run("http://127.0.0.1:1/", "--token", "line\nend");
    expect([broken.code, broken.err]).toEqual([78, expect.not.stringContaining("line\n")]);
  });

  it("is interrupted: 1", async () => {
    const url = await serve((request) => request.resume());
    const { code, err } = await runCommand(conformance, [url], { signal: AbortSignal.timeout(100) });
    expect([code, err]).toEqual([1, expect.stringContaining("interrupted")]);
  });
});

describe("--only, --list and --accept", () => {
  it("takes ids, groups and *", async () => {
    const ids = async (...patterns: string[]) => {
      const { out } = await run("--list", "--json", ...patterns.flatMap((pattern) => ["--only", pattern]));
      return out
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { id: string }).id);
    };
    expect(await ids()).toHaveLength(conformanceCases.length + conformanceAuthCases.length);
    expect(await ids("identity/echoed")).toEqual(["identity/echoed"]);
    expect(await ids("identity/echo*")).toEqual(["identity/echoed", "identity/echoed-in-failures"]);
    expect(await ids("deadlines/past-on-receipt")).toHaveLength(6);
    expect(await ids("*/unicode", "auth")).toEqual([
      "identity/unicode",
      "handler/unicode",
      ...conformanceAuthCases.map(({ id }) => id),
    ]);
  });

  it("lists each case with the sentence it checks", async () => {
    const { out, code } = await run("--list", "--only", "handler/workflow-task");
    expect(code).toBe(0);
    expect(out).toBe("handler/workflow-task (required)\n    A workflow task is refused: carriers are activity-only.\n");
  });

  it("says when an accepted difference is not there", async () => {
    const url = await serve(ADAPTERS["node:http"]!(conformanceHandlers));
    const { err, code } = await run(url, "--only", "identity", "--accept", "identity/echoed=it was so once");
    expect([code, err]).toEqual([0, "--accept identity/echoed is not needed: the case passes.\n"]);
  });
});

describe("the JUnit report", () => {
  it("is well-formed XML, whatever a carrier says", async () => {
    const url = await alteredCarrier((answer, { text }) =>
      text.includes("preflight")
        ? answer
        : withResult(answer, (document) => {
            const odd = "<b>&amp;]]>\u0000\u0007\ud800\uffff\"'\n\t";
            if (document["failure"] === undefined) document["task"].id = odd;
            else document["failure"].message = odd;
          }),
    );
    const file = join(folder, "report.xml");
    const args = ["--only", "failure", "--only", "values", "--accept", `failure/thrown=so <what> & "why"`];
    const { code, out } = await run(url, "--junit", file, ...args);
    expect(code).toBe(1);
    expect(out).toContain("The carrier does not conform");
    const { counts, attributes } = readXml(readFileSync(file, "utf8"));
    const cases = conformanceCases.filter(({ id }) => /^(?:failure|values)\//.test(id)).length;
    expect(counts["testcase"]).toBe(cases);
    expect(counts["testsuite"]).toBe(2);
    expect(counts["failure"]).toBe(Number(attributes["testsuites"]?.["failures"]));
    expect(counts["skipped"]).toBe(Number(attributes["testsuites"]?.["skipped"]));
    expect(counts["skipped"]).toBeGreaterThanOrEqual(2);
    expect(attributes["testsuites"]?.["tests"]).toBe(String(cases));
  });

  it("that cannot be written is an error: 78", async () => {
    const url = await serve(ADAPTERS["node:http"]!(conformanceHandlers));
    const { code, err } = await run(url, "--only", "identity/echoed", "--junit", join(folder, "none", "report.xml"));
    expect([code, err]).toEqual([78, expect.stringContaining("cannot be written: there is no such file or folder")]);
  });
});
