import { InvocableActivityHandler } from "@durable-workflow/carrier";
import {
  parseExternalTaskInput,
  parseExternalTaskInputArtifact,
  parseExternalTaskResult,
  parseExternalTaskResultArtifact,
} from "@durable-workflow/carrier/protocol";
import { type ConformanceCase, conformanceCases, conformanceHandlers } from "@durable-workflow/carrier/testing";
import { beforeAll, expect, it } from "vitest";
import { startEngine } from "./support/engine.js";
import { type Answer, answersTo, type Json } from "./support/line-peer.js";
import { describeUnless, pythonPeer, whyNoPython } from "./support/peers.js";

const VERSION = "2.12.0";
const carrier = new InvocableActivityHandler(conformanceHandlers);

/** The cases whose request is a document; those that take time, or may end a process, have no document of their own. */
const quick = conformanceCases.filter(({ takesMs, hostile }) => takesMs === undefined && hostile !== true);
const isTask = ({ expect: { outcome } }: ConformanceCase): boolean => outcome !== "refusal";

function documentOf(test: ConformanceCase): unknown {
  const { document } = test.request({ now: Date.now() });
  return document === undefined ? undefined : JSON.parse(JSON.stringify(document));
}

/** Inputs that both should judge alike, and do not; what is listed and judged alike fails. */
const INPUT_DIFFERENCES: Readonly<Record<string, string>> = {
  "envelope/empty-list-as-headers": "Python wants a mapping, and takes PHP's empty list for none",
  "input/version-true": "True == 1 in Python",
};

describeUnless(whyNoPython(VERSION), `envelopes between us and Python ${VERSION}`, () => {
  const sent = quick.flatMap((test) => {
    const document = documentOf(test);
    return document === undefined ? [] : [{ test, document }];
  });
  const ask = async (documents: readonly unknown[]): Promise<readonly Answer[]> =>
    answersTo(pythonPeer(VERSION, "envelopes"), documents);

  it("inputs are accepted and refused alike, and mean the same", async () => {
    const answers = (await ask(sent.map(({ document }) => ({ input: document })))) as readonly Json[];
    const differing: string[] = [];
    for (const [index, { test, document }] of sent.entries()) {
      const { parsed } = answers[index] ?? {};
      if ((parsed !== undefined) !== isTask(test)) {
        differing.push(test.id);
        continue;
      }
      if (!isTask(test)) continue;
      const ours = parseExternalTaskInput(document);
      const { id, attempt, idempotencyKey, handler } = ours.task;
      expect(parsed.task, test.id).toMatchObject({
        id,
        attempt,
        handler,
        idempotency_key: idempotencyKey,
        kind: ours.kind,
      });
      expect(parsed.lease.expires_at, test.id).toBe(ours.lease.expiresAt);
      expect(parsed.payloads.arguments, test.id).toEqual(ours.arguments);
    }
    expect(differing.toSorted()).toEqual(Object.keys(INPUT_DIFFERENCES).toSorted());
    expect(sent.length).toBeGreaterThan(150);
  });

  it("results of ours are read as what they are", async () => {
    const results = await Promise.all(
      sent.filter(({ test }) => isTask(test)).map(async ({ document }) => carrier.handle(document)),
    );
    const answers = (await ask(results.map((result) => ({ result })))) as readonly Json[];
    for (const [index, result] of results.entries()) {
      const ours = parseExternalTaskResult(JSON.parse(JSON.stringify(result)));
      const { parsed, error } = answers[index] ?? {};
      expect(error, JSON.stringify(result).slice(0, 300)).toBeUndefined();
      expect(parsed.kind).toBe(ours.kind);
      expect(parsed.task).toMatchObject({ id: ours.task.id, attempt: ours.task.attempt });
      expect(parsed.recorded).toBe(ours.recorded);
      if (ours.kind === "success") continue;
      const { kind, type, message, timeoutType, cancelled } = ours.failure;
      expect(parsed.failure).toMatchObject({ kind, type, message, cancelled, timeout_type: timeoutType });
      expect([parsed.failure.classification, parsed.retryable]).toEqual([ours.failureClassification, ours.retryable]);
    }
    expect(results.length).toBeGreaterThan(100);
  });

  it("results of Python's are read as what they are", async () => {
    const tasks = sent.filter(({ test }) => isTask(test) && !(test.id in INPUT_DIFFERENCES));
    const answers = (await ask(tasks.map(({ document }) => ({ handle: document })))) as readonly Json[];
    const read = answers.flatMap(({ status, body }, index) => {
      const { test, document } = tasks[index] ?? {};
      // What it cannot encode it refuses: told in docs/understand/conformance.
      if (test?.id === "result/unencodable") return [];
      expect(status, test?.id).toBe(200);
      const result = parseExternalTaskResult(JSON.parse(String(body)));
      const { task } = parseExternalTaskInput(document);
      expect(result.task, test?.id).toMatchObject({ id: task.id, idempotencyKey: task.idempotencyKey });
      return [result.kind];
    });
    expect(read.filter((kind) => kind === "success").length).toBeGreaterThan(50);
    expect(read.filter((kind) => kind === "failure").length).toBeGreaterThan(30);
  });

  let contracts: Json;
  beforeAll(async () => {
    const engine = await startEngine();
    contracts = (await engine.clusterInfo())["worker_protocol"] as Json;
    await engine.close();
  });

  it.each([
    ["external_task_input_contract", "input_artifact", parseExternalTaskInputArtifact],
    ["external_task_result_contract", "result_artifact", parseExternalTaskResultArtifact],
  ] as const)(
    "the examples of the local engine's %s are read, their hashes included",
    async (contract, what, parse) => {
      const artifacts = artifactsOf(contracts[contract]);
      expect(artifacts.length).toBeGreaterThanOrEqual(2);
      for (const answer of await ask(artifacts.map((artifact) => ({ [what]: artifact })))) {
        expect((answer as Json)["error"]).toBeUndefined();
      }
      for (const artifact of artifacts) expect(() => parse(artifact)).not.toThrow();
    },
  );
});

/** Every object with an example and its hash, wherever a contract has it. */
function artifactsOf(document: unknown): readonly Json[] {
  if (typeof document !== "object" || document === null) return [];
  if ("artifact" in document && "sha256" in document && "example" in document) return [document as Json];
  return Object.values(document).flatMap((part) => artifactsOf(part));
}
