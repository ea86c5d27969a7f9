import type { ActivityInput, SchemaIssue } from "@durable-workflow/carrier/contract";
import { ClientError } from "../errors/client-error.js";

const MOST_ISSUES = 10;

/**
 * Validates arguments before they are sent. What the schemas make of them is not used: they make it where the handler runs,
 * and twice would be once too often.
 *
 * @throws {ClientError} `invalid`, naming the issues; nothing has been sent
 */
export async function validateArguments(type: string, input: ActivityInput, args: readonly unknown[]): Promise<void> {
  const issues: string[] = [];
  const take = (found: readonly SchemaIssue[] | undefined, prefix: readonly PropertyKey[]): void => {
    for (const { path = [], message } of found ?? []) {
      const keys = path.map((key) => (typeof key === "object" ? key.key : key));
      issues.push(`${[...prefix, ...keys].map(String).join(".")}: ${message}`);
    }
  };
  if ("~standard" in input) take((await input["~standard"].validate(args)).issues, []);
  else {
    for (const [index, schema] of input.entries())
      take((await schema["~standard"].validate(args[index])).issues, [index]);
    for (let index = input.length; index < args.length; index++) {
      issues.push(`${index}: there is no such argument, the activity takes ${input.length}`);
    }
  }
  if (issues.length === 0) return;
  const told = `the arguments of ${type} do not validate: ${issues.slice(0, MOST_ISSUES).join("; ")}`;
  throw new ClientError("invalid", told);
}
