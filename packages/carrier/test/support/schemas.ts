import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** A validator of one of the schemas that this package publishes; a schema with unknown or idle keywords throws. */
export function compileSchema(name: "external-task-input" | "external-task-result"): ValidateFunction {
  const file = new URL(`../../schemas/${name}.schema.json`, import.meta.url);
  const schema: object = JSON.parse(readFileSync(file, "utf8"));
  return new Ajv2020({ strict: true, allErrors: true }).compile(schema);
}
