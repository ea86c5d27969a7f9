import { expect, it } from "vitest";
import { shapeOf } from "./schema-shape.js";

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
])("%j begins as %j", (schema, shape) => {
  expect(shapeOf(schema)).toEqual(shape);
});
