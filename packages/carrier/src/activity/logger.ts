import type { PayloadLogger } from "../payload/envelope.js";
import type { ExternalTaskInput } from "../protocol/task-input.js";
import { quietly } from "./quietly.js";

/** Where the carrier reports what no result can say. Structured fields first, as pino takes them. */
export interface Logger extends PayloadLogger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * A logger that calls another one, and does not throw when that does, or reject when that is asynchronous: a full disk
 * must cost no task its outcome. Silent without one: a library does not print.
 */
export function guardLogger(logger: Logger | undefined): Logger {
  return mapLogger((level) => (fields, message) => quietly(() => logger?.[level](fields, message)));
}

/** A logger that puts the same fields into every line; a line's own fields count before them. */
export function bindLogger(logger: Logger, bound: Readonly<Record<string, unknown>>): Logger {
  return mapLogger((level) => (fields, message) => logger[level]({ ...bound, ...fields }, message));
}

function mapLogger(at: (level: keyof Logger) => Logger[keyof Logger]): Logger {
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** What identifies a task in log lines. */
export function taskFields({ task, workflow }: ExternalTaskInput): Readonly<Record<string, unknown>> {
  return {
    task_id: task.id,
    attempt: task.attempt,
    activity_type: task.handler,
    workflow_id: workflow.id,
    run_id: workflow.runId,
  };
}
