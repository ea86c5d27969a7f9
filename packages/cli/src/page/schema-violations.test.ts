import { type AvroValue, avroDouble } from "@durable-workflow/carrier/payload";
import { expect, it } from "vitest";
import { schemaViolations } from "./schema-violations.js";

const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });
const ITSELF = { $ref: "#" };
const TREE = object({ name: { type: "string" }, below: { type: "array", items: ITSELF } }, { required: ["name"] });

it.each<[unknown, AvroValue]>([
  [undefined, [1]],
  [true, "x"],
  [{ type: "integer" }, 2n ** 60n],
  [{ type: "integer" }, avroDouble(7)],
  [{ type: ["string", "null"] }, null],
  [{ type: "string" }, new Uint8Array([1])],
  [{ type: "unheard-of" }, 1],
  [{ enum: ["EUR", 7] }, 7],
  [{ const: 7 }, 7n],
  [{ enum: [{ a: 1 }] }, { a: 2 }],
  [{ type: "array", prefixItems: [{ type: "string" }], items: { type: "number" } }, ["a", 1, 2.5]],
  [{ anyOf: [{ type: "string" }, { minimum: 3 }] }, 4],
  [TREE, { name: "a", below: [{ name: "b" }] }],
  [ITSELF, 1],
  [{ $ref: "https://elsewhere.test" }, 1],
  [{ type: "string", pattern: "^(a+)+$", format: "email" }, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"],
  [object({ constructor: { type: "string" } }, { additionalProperties: { type: "number" } }), { toString: 1 }],
  [{ type: "string", minLength: 1, maxLength: 1 }, "\u{1f680}"],
])("%# is as its schema has it", (schema, value) => {
  expect(schemaViolations(schema, value)).toEqual([]);
});

it.each<[unknown, AvroValue, readonly string[]]>([
  [{ type: "integer" }, 7.5, ["$ must be an integer"]],
  [{ type: ["string", "null"] }, 7, ["$ must be text or null"]],
  [{ type: "object" }, [], ["$ must be an object"]],
  [
    { type: "array", prefixItems: [{ type: "string" }], items: false },
    [1, 2],
    ["$ must have 1 item at most", "$[0] must be text"],
  ],
  [{ type: "array", minItems: 2 }, [1], ["$ must have 2 items at least"]],
  [{ enum: ["7", true] }, 7, ['$ must be "7" or true']],
  [{ enum: ["EUR", "USD"] }, "GBP", ['$ must be "EUR" or "USD"']],
  [{ minimum: 1, exclusiveMaximum: 5 }, 5n, ["$ must be less than 5"]],
  [{ exclusiveMinimum: 0, maximum: 5 }, avroDouble(0), ["$ must be more than 0"]],
  [{ minLength: 1 }, "", ["$ must have 1 character at least"]],
  [{ anyOf: [{ type: "string" }, { minimum: 3 }] }, 2, ["$ is none of what it may be"]],
  [{ allOf: [{ minimum: 3 }, { maximum: 1 }] }, 2, ["$ must be at least 3", "$ must be at most 1"]],
  [TREE, { name: "a", below: [{}] }, ["$.below[0].name is missing"]],
  [object({}, { additionalProperties: false }), { "a b": 1 }, ['$["a b"] must not be there']],
  [
    { prefixItems: [{ $id: "argument-0", $ref: "#/$defs/a", $defs: { a: { type: "string" } } }] },
    [7],
    ["$[0] must be text"],
  ],
])("%# says what is not", (schema, value, violations) => {
  expect(schemaViolations(schema, value)).toEqual(violations);
});

it("says no more than can be read", () => {
  const list = Array.from({ length: 100 }, () => 1);
  expect(schemaViolations({ items: { type: "string" } }, list)).toHaveLength(20);
});

it("comes to an end with schemas that refer to themselves many times over", () => {
  const both = { anyOf: [{ $ref: "#" }, { $ref: "#" }, { type: "string" }], allOf: [{ $ref: "#" }, { $ref: "#" }] };
  expect(schemaViolations(both, 7).length).toBeLessThanOrEqual(20);
});
