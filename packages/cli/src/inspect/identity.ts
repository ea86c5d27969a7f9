import { at, isObject, numberAt, textAt } from "@durable-workflow/engine-protocol";
import type { Violation } from "../report/violation.js";

/** A dispatcher takes a result for another task for no result at all. */
export function identityViolations(task: unknown, result: unknown): readonly Violation[] {
  if (!isObject(at(result, "task"))) return [];
  const sent = {
    id: textAt(task, "id"),
    kind: textAt(task, "kind"),
    attempt: numberAt(task, "attempt"),
    idempotency_key: textAt(task, "idempotency_key"),
  };
  return Object.entries(sent).flatMap(([name, value]) =>
    at(result, "task", name) === value
      ? []
      : [
          {
            path: `task.${name}`,
            message: `must be that of the request, ${JSON.stringify(value)}`,
            code: "malformed_output",
          },
        ],
  );
}
