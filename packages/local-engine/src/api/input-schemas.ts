import { LONGEST_INPUT_SCHEMA } from "@durable-workflow/carrier/protocol";
import { LONGEST_NAME, PATHS } from "@durable-workflow/engine-protocol";
import type { InspectedInputSchemas } from "@durable-workflow/engine-protocol/control";
import type { InputSchemasAnswer } from "@durable-workflow/engine-protocol/worker";
import type { Call, Reply } from "../http/call.js";
import { Fields, isObject } from "../http/fields.js";
import type { Route } from "../http/router.js";
import { timestamp } from "../wire/time.js";
import { type ApiParts, CONTROL_ROLES, WORKER_ROLES } from "./parts.js";

/** Of all namespaces together. */
const MOST_SCHEMAS = 2_000;
/** What one answer holds at most. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

/** What workers know of the arguments that their activities take, and what is told of it. This engine's own addition. */
export function inputSchemaRoutes(parts: ApiParts): readonly Route[] {
  return [
    {
      method: "POST",
      plane: "worker",
      roles: WORKER_ROLES,
      pattern: PATHS.inputSchemas,
      handle: (call) => tell(parts, call),
    },
    {
      method: "GET",
      plane: "control",
      roles: CONTROL_ROLES,
      pattern: PATHS.inspectedInputSchemas,
      handle: (call) => list(parts, call),
    },
  ];
}

async function tell({ context }: ApiParts, { body, namespace }: Call): Promise<Reply> {
  const fields = new Fields();
  const taskQueue = fields.segment(body, "task_queue", { required: true, max: LONGEST_NAME }) ?? "";
  const types = fields.strings(body, "activity_types", LONGEST_NAME) ?? [];
  const given = fields.object(body, "input_schemas") ?? {};
  const schemas = new Map<string, string>();
  for (const type of types) {
    const schema = Object.hasOwn(given, type) ? given[type] : undefined;
    if (schema === undefined || schema === null) continue;
    const text = isObject(schema) ? JSON.stringify(schema) : undefined;
    const name = `input_schemas.${type}`;
    if (text === undefined) fields.add(name, `The input schemas.${type} field must be an array.`);
    else if (text.length > LONGEST_INPUT_SCHEMA) {
      fields.add(name, `The input schemas.${type} field must not be greater than ${LONGEST_INPUT_SCHEMA} characters.`);
    } else schemas.set(type, text);
  }
  fields.check();
  const { inputSchemas } = context.store;
  await context.store.transact(() => {
    for (const activityType of types) {
      const schema = schemas.get(activityType);
      if (schema === undefined) inputSchemas.delete(namespace, taskQueue, activityType);
      else inputSchemas.save(namespace, { taskQueue, activityType, schema }, context.now());
    }
    inputSchemas.keepAtMost(MOST_SCHEMAS);
  });
  const answer: InputSchemasAnswer = { task_queue: taskQueue, kept: schemas.size };
  return { status: 200, body: answer };
}

async function list({ context }: ApiParts, { query, namespace }: Call): Promise<Reply> {
  const type = query.get("activity_type") ?? undefined;
  const found = context.store.inputSchemas.list(namespace, type, MOST_CHARACTERS);
  const body: InspectedInputSchemas = {
    as_of: timestamp(context.now()),
    input_schemas: found.map(({ taskQueue, activityType, schema }) => ({
      task_queue: taskQueue,
      activity_type: activityType,
      schema: JSON.parse(schema) as Readonly<Record<string, unknown>>,
    })),
  };
  return { status: 200, body };
}
