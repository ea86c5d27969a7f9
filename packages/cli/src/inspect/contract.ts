import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { isObject, textAt } from "@durable-workflow/engine-protocol";
import {
  AUTH_CONTRACT,
  EXECUTOR_CONTRACT,
  INPUT_CONTRACT,
  INVOCABLE_CONTRACT,
  RESULT_CONTRACT,
  SURFACE_CONTRACT,
} from "@durable-workflow/engine-protocol/control";
import type { Violation } from "../report/violation.js";
import { artifactViolations } from "./artifact.js";
import { below, facts, type Inspection, inspection } from "./inspection.js";

const CONTRACTS: ReadonlyMap<string, { readonly version: number; readonly of: string }> = new Map([
  [INPUT_CONTRACT.schema, { version: INPUT_CONTRACT.version, of: "task inputs" }],
  [RESULT_CONTRACT.schema, { version: RESULT_CONTRACT.version, of: "task results" }],
  [INVOCABLE_CONTRACT.schema, { version: INVOCABLE_CONTRACT.version, of: "invocable carriers" }],
  [EXECUTOR_CONTRACT.schema, { version: EXECUTOR_CONTRACT.version, of: "executor configs" }],
  [SURFACE_CONTRACT.schema, { version: SURFACE_CONTRACT.version, of: "external execution" }],
  [AUTH_CONTRACT.schema, { version: AUTH_CONTRACT.version, of: "authentication" }],
]);

/** A published example, and what is wrong with it. */
export interface CheckedExample {
  readonly name: string;
  /** Within the contract. */
  readonly path: string;
  readonly violations: readonly Violation[];
}

/** The examples of a contract, each by the SHA-256 of what is there, and by the contract itself. */
export function examplesOf(contract: unknown): readonly CheckedExample[] {
  const fixtures = isObject(contract) ? contract["fixtures"] : undefined;
  return Object.entries(isObject(fixtures) ? fixtures : {}).map(([key, artifact]) => ({
    name: textAt(artifact, "artifact") ?? key,
    path: `fixtures.${key}`,
    violations: artifactViolations(artifact),
  }));
}

export function isContract({ schema }: JsonObject): boolean {
  return typeof schema === "string" && CONTRACTS.has(schema);
}

/** A contract as an engine publishes it. Newer engines say more in it; what counts are its name, its version, its examples. */
export function inspectContract(document: JsonObject): Inspection {
  const known = CONTRACTS.get(textAt(document, "schema") ?? "");
  const examples = examplesOf(document);
  const isKnown = document["version"] === known?.version;
  const version: readonly Violation[] = isKnown
    ? []
    : [{ path: "version", message: `must be ${known?.version ?? 1}`, code: null }];
  return inspection({
    kind: "contract",
    title: `the published contract of ${known?.of ?? "something"}`,
    violations: [...version, ...examples.flatMap(({ path, violations }) => below(path, violations))],
    facts: [
      ...facts(["schema", textAt(document, "schema")], ["scope", textAt(document, "scope")]),
      ...examples.map(({ name, violations }) => ({
        name: "example",
        value: `${name}: ${violations.length === 0 ? "its SHA-256 is right, and it is valid" : "not in order"}`,
      })),
    ],
  });
}
