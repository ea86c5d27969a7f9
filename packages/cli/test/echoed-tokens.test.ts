import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import { expect, it } from "vitest";
import { serve } from "./support/carriers.js";
import { folderOf } from "./support/cli.js";
import { runHere } from "./support/run-here.js";

const TOKEN = 't0ken"of-the\\carrier';

/** Says whatever it was sent, in every place where a sender might show it. */
const echo =
  (status: number, answer: (said: string, task: object) => object): RequestListener =>
  (request, response) => {
    void buffer(request).then((body) => {
      const said = String(request.headers.authorization);
      const { task } = (body.length > 0 ? JSON.parse(body.toString("utf8")) : {}) as { task?: object };
      response.writeHead(status, {
        "content-type": "application/vnd.durable-workflow.external-task-result+json",
        "x-said": said,
      });
      response.end(JSON.stringify(answer(said, task ?? {})));
    });
  };

const ANSWERS: Readonly<Record<string, RequestListener>> = {
  refusal: echo(400, (said) => ({ error: "invalid_invocable_request", message: said })),
  "closed door": echo(401, (said) => ({ error: said, message: said, reason: said })),
  "what is no answer": echo(500, (said) => ({ [said]: said })),
  failure: echo(200, (said, task) => ({
    schema: "durable-workflow.v2.external-task-result",
    version: 1,
    outcome: { status: "failed", retryable: true, recorded: true },
    task,
    failure: {
      kind: "application",
      classification: "application_error",
      type: said,
      message: said,
      stack_trace: said,
      timeout_type: null,
      cancelled: false,
      details: null,
    },
    metadata: { handler: said, carrier: said, duration_ms: 1 },
  })),
  success: echo(200, (said, task) => ({
    schema: "durable-workflow.v2.external-task-result",
    version: 1,
    outcome: { status: "succeeded", recorded: true },
    task,
    result: { payload: payloadEnvelope({ said, bytes: Buffer.from(said) }), metadata: null },
    metadata: { handler: "h", carrier: said, duration_ms: 1 },
  })),
};

it.each(Object.keys(ANSWERS))("no command shows the token that a server echoes: %s", async (name) => {
  const url = await serve(ANSWERS[name]!);
  const cwd = folderOf();
  const lines = [
    `invoke ${url} greet --token-env TOKEN`,
    `invoke ${url} greet --token ${TOKEN}`,
    `conformance ${url} --only identity --only failure --token-env TOKEN --junit report.xml`,
    ...["list", "show a", "cancel a", "start greet", "doctor"].map(
      (line) => `${line} --server ${url} --token-env TOKEN`,
    ),
  ];
  for (const line of lines) {
    for (const form of [[], ["--json"]]) {
      const { stdout, stderr } = await runHere([...line.split(" "), ...form], { cwd, env: { TOKEN } });
      expect((stdout + stderr).length, line).toBeGreaterThan(10);
      for (const spelt of [TOKEN, JSON.stringify(TOKEN).slice(1, -1), Buffer.from(TOKEN).toString("base64")]) {
        expect(stdout + stderr, line).not.toContain(spelt);
      }
    }
  }
  const { stdout } = await runHere(["invoke", url, "greet", "--token-env", "TOKEN"], { cwd, env: { TOKEN } });
  expect(stdout).toContain("[redacted]");
  expect(reportAt(join(cwd, "report.xml"))).not.toMatch(/t0ken/);
});

/** The report, where the carrier came as far as the cases. */
function reportAt(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
