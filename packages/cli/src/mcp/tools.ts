import type { ActionRequest, ViewName, Views } from "@durable-workflow/inspector";

/** A tool that agents call: what it takes as a JSON schema, and what it does. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: { readonly type: "object"; readonly properties: object; readonly required?: readonly string[] };
  /** Whether it changes anything. */
  readonly isReadOnly: boolean;
  readonly run: (given: Readonly<Record<string, unknown>>, means: ToolMeans) => Promise<object>;
}

export interface ToolMeans {
  readonly views: Views;
  readonly explain: (document: unknown) => string | null;
  readonly doctor: () => Promise<object>;
}

const text = (description: string): object => ({ type: "string", description });
const id = text("Id of the activity");
const runId = text("Id of one of its runs; default the newest");

/** @throws {TypeError} for what is neither text nor a number */
async function view(name: ViewName, given: Readonly<Record<string, unknown>>, views: Views): Promise<object> {
  const query = Object.entries(given).map(([key, value]): [string, string] => {
    if (typeof value === "string" || typeof value === "number") return [key, String(value)];
    throw new TypeError(`${key} must be text`);
  });
  return views.get(name, Object.fromEntries(query));
}

function action(
  name: ActionRequest["action"],
  given: Readonly<Record<string, unknown>>,
  views: Views,
): Promise<object> {
  return views.act({ ...given, action: name } as ActionRequest);
}

/** What an agent can look at and do. Each answers with the same document as the page's API. */
export const TOOLS: readonly Tool[] = [
  {
    name: "overview",
    description: "Counts by status, queues with backlog and workers, what needs attention. Look here first.",
    inputSchema: { type: "object", properties: {} },
    isReadOnly: true,
    run: (given, { views }) => view("overview", given, views),
  },
  {
    name: "list",
    description:
      "Activities, newest first. All filters must hold; lists are separated by commas. status is of queued, delayed, running, retrying, stalled, succeeded, failed, cancelled.",
    inputSchema: {
      type: "object",
      properties: {
        status: text("Such as failed,retrying"),
        type: text("Activity types"),
        queue: text("Task queues"),
        id: text("A part of the id"),
        since: text("Started at or after: RFC 3339"),
        until: text("Started before: RFC 3339"),
        cursor: text("The cursor of the page before"),
        limit: { type: "integer", minimum: 1, maximum: 200, description: "Default 100" },
      },
    },
    isReadOnly: true,
    run: (given, { views }) => view("activities", given, views),
  },
  {
    name: "show",
    description: "One activity: attempts with times, workers and failures, arguments, result, deadlines, why it waits.",
    inputSchema: { type: "object", properties: { id, runId }, required: ["id"] },
    isReadOnly: true,
    run: (given, { views }) => view("activity", given, views),
  },
  {
    name: "start",
    description: "Starts an activity. input is JSON text: a list with an item for each argument.",
    inputSchema: {
      type: "object",
      properties: {
        type: text("Activity type"),
        queue: text("Task queue"),
        id: text("Id; default one that the engine makes"),
        businessKey: text("A key of your own"),
        input: text('Arguments as JSON text, such as ["Ada", 7]'),
        options: {
          type: "object",
          description: "maxAttempts, backoffSeconds, startToCloseSeconds, heartbeatSeconds and so on",
        },
        dryRun: { type: "boolean", description: "Only say what would be done" },
      },
      required: ["type", "queue"],
    },
    isReadOnly: false,
    run: (given, { views }) => action("start", given, views),
  },
  {
    name: "retry",
    description:
      "Starts an activity again under a new id, with the same arguments and options, or with input in their place.",
    inputSchema: {
      type: "object",
      properties: {
        id,
        runId,
        newId: text("Id of the new one; default one that the engine makes"),
        input: text("Other arguments, as JSON text"),
        queue: text("Another task queue"),
        dryRun: { type: "boolean", description: "Only say what would be done" },
      },
      required: ["id"],
    },
    isReadOnly: false,
    run: (given, { views }) => action("start_again", given, views),
  },
  {
    name: "cancel",
    description: "Cancels an activity; its handler is told at its next heartbeat.",
    inputSchema: {
      type: "object",
      properties: {
        id,
        runId,
        reason: text("Why, for the engine's records"),
        dryRun: { type: "boolean", description: "Only say what would be done" },
      },
      required: ["id"],
    },
    isReadOnly: false,
    run: (given, { views }) => action("cancel", given, views),
  },
  {
    name: "explain",
    description:
      "Explains a document of the contract: a task input or result, payload, reference, poll answer, executor config, cluster info. Pass its JSON text, or the base64 of a payload.",
    inputSchema: { type: "object", properties: { document: text("JSON text, or base64") }, required: ["document"] },
    isReadOnly: true,
    run: async ({ document }, { explain }) => {
      const read = parsed(String(document));
      return Promise.resolve({ explanation: explain(read) ?? "This is no document of the contract." });
    },
  },
  {
    name: "doctor",
    description: "Checks the engine: reachable, token, versions, workers for what waits. Each finding has a remedy.",
    inputSchema: { type: "object", properties: {} },
    isReadOnly: true,
    run: (_, { doctor }) => doctor(),
  },
];

function parsed(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    return document.trim();
  }
}
