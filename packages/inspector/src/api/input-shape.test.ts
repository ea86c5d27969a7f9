import { expect, it } from "vitest";
import { inputShape } from "./input-shape.js";

it.each([
  [undefined, null],
  [{}, null],
  [{ type: "string" }, ""],
  [{ type: ["integer", "null"] }, 0],
  [{ const: "x" }, "x"],
  [{ enum: ["EUR", "USD"] }, "EUR"],
  [{ type: "number", default: 3 }, 3],
  [{ anyOf: [{ type: "boolean" }, { type: "null" }] }, false],
  [
    {
      type: "array",
      prefixItems: [
        { type: "object", properties: { card: { type: "string" }, note: { type: "string" } }, required: ["card"] },
        { type: "array", items: { type: "string" } },
      ],
    },
    [{ card: "" }, []],
  ],
  [{ properties: { a: { properties: {} } } }, { a: {} }],
  [{ type: "integer", minimum: 1 }, 1],
  [{ type: "integer", minimum: -9007199254740991 }, 0],
  [{ type: "number", exclusiveMinimum: 0 }, 1],
  [{ $ref: "https://elsewhere.test/schema" }, null],
  [{ $ref: "#" }, null],
  [
    { prefixItems: [{ $id: "argument-0", $ref: "#/$defs/a~1b", $defs: { "a/b": { type: "string" } } }], type: "array" },
    [""],
  ],
])("%j begins as %j", (schema, shape) => {
  expect(inputShape(schema)).toEqual(shape);
});

it("comes to an end with schemas that refer to themselves many times over", () => {
  const properties = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`p${index}`, { $ref: "#" }]));
  expect(JSON.stringify(inputShape({ type: "object", properties })).length).toBeLessThan(100_000);
});
