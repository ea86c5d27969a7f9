import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ADDITIONS,
  asJson,
  inputDocuments,
  pathsOf,
  REPLACEMENTS,
  resultDocuments,
} from "../../test/support/envelope-corpus.js";
import {
  activityTaskEnvelope,
  failureEnvelope,
  malformedOutputEnvelope,
  successEnvelope,
  withField,
  workflowTaskEnvelope,
} from "../../test/support/envelopes.js";
import { compileSchema } from "../../test/support/schemas.js";
import { isExternalTaskInputError, isExternalTaskResultError } from "./errors.js";
import { externalTaskInputViolations, parseExternalTaskInput } from "./task-input.js";
import { externalTaskResultViolations, parseExternalTaskResult } from "./task-result.js";

// The schemas serve those who do not use this library, so they must say exactly what its parsers do.

const MENTIONED = /^(?:metadata(?:\..*)?|result\.metadata|failure\.stack_trace)$/;

const CONTRACTS = [
  {
    name: "external-task-input" as const,
    parse: parseExternalTaskInput,
    isError: isExternalTaskInputError,
    violationsOf: externalTaskInputViolations,
    documents: inputDocuments,
    envelopes: [
      activityTaskEnvelope(),
      withField(activityTaskEnvelope(), "task.external_executor", { carrier: "lamps" }),
      workflowTaskEnvelope(),
    ],
  },
  {
    name: "external-task-result" as const,
    parse: parseExternalTaskResult,
    isError: isExternalTaskResultError,
    violationsOf: externalTaskResultViolations,
    documents: resultDocuments,
    envelopes: [
      successEnvelope(),
      successEnvelope({ result: { payload: { codec: "avro", external_storage: { uri: "s3://lamps/7" } } } }),
      successEnvelope({ result: null }),
      failureEnvelope(),
      malformedOutputEnvelope(),
    ],
  },
];

describe.each(CONTRACTS)("$name: schema and parser agree", ({ name, parse, isError, violationsOf, ...corpus }) => {
  const validate = compileSchema(name);

  function parses(document: unknown): boolean {
    try {
      parse(document);
      return true;
    } catch (error) {
      if (isError(error)) return false;
      throw error;
    }
  }

  /** Whether a document is valid; fails where the opinions differ. */
  function judge(document: unknown): boolean {
    const parser = parses(document);
    const schema = validate(document);
    const violations = violationsOf(document);
    // The parser reads on where a field is odd that nobody decides by; schema and violations say so all the same.
    const grave = violations.filter(({ path }) => !MENTIONED.test(path));
    if (parser !== (grave.length === 0) || schema !== (violations.length === 0)) {
      expect.fail(JSON.stringify({ parser, schema, violations, schemaErrors: validate.errors, document }, null, 1));
    }
    return schema;
  }

  it("on random envelopes with up to three changes", () => {
    const counts = { valid: 0, invalid: 0 };
    const property = fc.property(corpus.documents, (document) => {
      counts[judge(document) ? "valid" : "invalid"]++;
    });
    fc.assert(property, { numRuns: 4000, seed: 29_990_601 });
    expect(counts.valid).toBeGreaterThan(1000);
    expect(counts.invalid).toBeGreaterThan(1000);
  });

  it("on every single change of an envelope", () => {
    const counts = { valid: 0, invalid: 0 };
    for (const envelope of corpus.envelopes) {
      for (const path of pathsOf(envelope)) {
        const replaced = REPLACEMENTS.map((value) => withField(envelope, path, value) ?? null);
        const extended = ADDITIONS.map((key) => withField(envelope, [...path, key], "text"));
        for (const document of [...replaced, ...extended]) counts[judge(asJson(document)) ? "valid" : "invalid"]++;
      }
    }
    expect(counts.valid).toBeGreaterThan(1000);
    expect(counts.invalid).toBeGreaterThan(1000);
  });
});
