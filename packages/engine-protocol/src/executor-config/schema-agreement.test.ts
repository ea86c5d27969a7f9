import { existsSync, readFileSync } from "node:fs";
import { lampsConfig } from "@durable-workflow/test-support/lamps-config";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isObject } from "../fields.js";
import { shapeErrors } from "./shape.js";

// The schema serves editors and other tools, so it must say exactly what the dispatcher checks.

const schema: object = JSON.parse(
  readFileSync(new URL("../../schemas/external-executor.schema.json", import.meta.url), "utf8"),
);
const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);

/** Whether a document is valid; fails where the opinions differ. */
function judge(changed: unknown): boolean {
  const document: unknown = JSON.parse(JSON.stringify(changed));
  const errors = shapeErrors(document);
  const valid = validate(document);
  if (valid !== (errors.length === 0)) {
    expect.fail(JSON.stringify({ valid, errors, schemaErrors: validate.errors, document }, null, 1));
  }
  return valid;
}

const FULL = lampsConfig({
  auth_refs: {
    "lamp-token": { type: "env", env: "LAMP_TOKEN" },
    file: { type: "token_file", path: "token" },
    own: { type: "profile", profile: "prod" },
    cert: { type: "mtls", cert: "c.pem", key_ref: "env:KEY" },
    signed: { type: "signed_headers", key_ref: "k", header_allowlist: ["date"] },
  },
  carriers: {
    ...(lampsConfig()["carriers"] as object),
    queue: { type: "sqs", queue_url: "https://queue.example/", metadata: { any: ["thing"] } },
  },
  mappings: [
    ...(lampsConfig()["mappings"] as object[]),
    {
      name: "start",
      kind: "workflow_signal",
      task_queue: "q",
      workflow_type: "w",
      signal_name: "s",
      update_name: "u",
      carrier: "queue",
      handler: "h",
      auth_ref: "file",
      idempotency_key: "k",
      timeout_seconds: 86_400,
      rollout: { version: "1", percentage: 100, capability: "c" },
      metadata: {},
    },
  ],
  overlays: { one: { defaults: {}, carriers: { web: { timeout_seconds: 1 }, nothing: {} }, mappings: [] } },
});

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  const children: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...value.entries()]
    : isObject(value)
      ? Object.entries(value)
      : [];
  return [path, ...children.flatMap(([key, child]) => pathsOf(child, [...path, key]))];
}

/** A copy with one field replaced, or left out where the value is `undefined`. */
function withValue(document: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const copy: unknown = structuredClone(document);
  const container = (typeof copy === "object" && copy !== null ? copy : {}) as Record<string | number, unknown>;
  const changed = withValue(container[key], rest, value);
  if (changed === undefined && !Array.isArray(container)) delete container[key];
  else container[key] = changed ?? null;
  return container;
}

const VALUES = [undefined, null, true, 0, 1, 5, 6, 300, 301, 900, 1.5, -1, 86_401, "", "text", "5xx", "POST", [], {}];
const LISTS = [["a", "a"], [""], [1, 2, 3, 4, 5, 6], ["activity_task"], [408, 425, 429, 500, 599, "5xx"], [404], [600]];
const REPLACEMENTS: readonly unknown[] = [...VALUES, ...LISTS, { a: 1 }, { a: "b" }, { web: {} }];

describe("schema and checks agree", () => {
  it("on every single change of a config", () => {
    const counts = { valid: 0, invalid: 0 };
    for (const path of pathsOf(FULL)) {
      const documents = REPLACEMENTS.map((value) => withValue(FULL, path, value) ?? null);
      const extended = ["color", "toString"].map((key) => withValue(FULL, [...path, key], "text"));
      for (const document of [...documents, ...extended]) counts[judge(document) ? "valid" : "invalid"]++;
    }
    expect(counts.valid).toBeGreaterThan(300);
    expect(counts.invalid).toBeGreaterThan(1000);
  });

  it("on random changes", () => {
    const paths = pathsOf(FULL);
    const change = fc.tuple(fc.constantFrom(...paths), fc.oneof(fc.constantFrom(...REPLACEMENTS), fc.jsonValue()));
    const property = fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
      judge(changes.reduce<unknown>((document, [path, value]) => withValue(document, path, value) ?? null, FULL));
    });
    fc.assert(property, { numRuns: 2000, seed: 29_990_601 });
  });
});

const PUBLISHED = new URL(
  "../../../../../shared/contract/executor-config/external-executor.schema.json",
  import.meta.url,
);

if (!existsSync(PUBLISHED)) {
  it.skip("../shared/contract is not here: our schema is compared with the published one where it is", () => undefined);
} else {
  it("takes what the published schema takes, and retry_policy beside it", () => {
    const published = new Ajv2020({ strict: false, formats: { uri: true } }).compile(
      JSON.parse(readFileSync(PUBLISHED, "utf8")) as object,
    );
    // An overlay's carriers are changes, and need no type of their own here.
    const plain: unknown = JSON.parse(JSON.stringify({ ...FULL, overlays: {} }).replace(/,"retry_policy":\{.*?\}/, ""));
    expect(published(plain), JSON.stringify(published.errors)).toBe(true);
    for (const path of pathsOf(plain)) {
      for (const value of REPLACEMENTS) {
        const document = withValue(plain, path, value) ?? null;
        // Ours says in words what the other leaves to a format: a URL that is empty.
        if (String(path.at(-1)).endsWith("url") && value === "") continue;
        const [ours, theirs] = [validate(document), published(document)];
        expect(ours, JSON.stringify({ path, value, ours: validate.errors, theirs: published.errors })).toBe(theirs);
      }
    }
  });
}
