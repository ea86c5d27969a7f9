import { isObject, nextPageField } from "@durable-workflow/engine-protocol";
import type {
  ActivityDescription as DescriptionOnTheWire,
  HistoryEvent,
  HistoryPage,
  ListedActivity as ListedOnTheWire,
  StartedActivity as StartedOnTheWire,
} from "@durable-workflow/engine-protocol/control";

/** What tools read of an engine's answers, as it is on the wire: they ask for no more, so that any engine will do. */
export type StartedActivity = Pick<
  StartedOnTheWire,
  "activity_id" | "workflow_run_id" | "activity_type" | "task_queue"
>;

/** An activity as lists have it, on the wire. */
export type ListedActivity = Pick<
  ListedOnTheWire,
  "activity_id" | "workflow_run_id" | "activity_type" | "task_queue" | "status" | "started_at" | "closed_at"
> & { readonly business_key: string | null };

/** An activity as its description has it, on the wire. */
export type ActivityDescription = ListedActivity &
  Pick<
    DescriptionOnTheWire,
    "namespace" | "activity_status" | "attempt_count" | "closed_reason" | "last_progress_at" | "last_heartbeat_at"
  > & {
    readonly result: unknown;
    /** Engines that have it say here what the history has not: stack traces. */
    readonly failure: unknown;
    readonly attempts: unknown;
  };

/** A registered worker, as far as tools go by it. */
export interface ListedWorker {
  readonly task_queue: string;
  readonly status: string;
  /** Empty where the worker does not say. */
  readonly supported_activity_types: readonly string[];
}

/** What the arguments of an activity look like, as workers of a task queue have said. */
export interface ListedInputSchema {
  readonly task_queue: string;
  readonly activity_type: string;
  /** A JSON Schema of the list of them; empty where it is none. */
  readonly schema: Readonly<Record<string, unknown>>;
}

/** A page of the workers of an engine. */
export interface WorkerPage {
  readonly workers: readonly ListedWorker[];
  readonly next_page_token: string | null;
}

/** A page of activities. */
export interface ActivityPage {
  readonly activities: readonly ListedActivity[];
  readonly next_page_token: string | null;
}

/** An answer is not what an engine says. The message names the field: `activities[0].status must be text`. */
export class WrongAnswer extends Error {
  override readonly name = "WrongAnswer";
}

/** Reads the fields of one object of an answer; each reader throws {@link WrongAnswer}. Fields that nobody asks for pass. */
class Fields {
  private readonly document: Readonly<Record<string, unknown>>;
  private readonly path: string;

  constructor(document: unknown, path = "") {
    if (!isObject(document)) throw new WrongAnswer(`${path === "" ? "the answer" : path} must be an object`);
    this.document = document;
    this.path = path;
  }

  text(name: string): string {
    const value = this.get(name);
    return typeof value === "string" && value !== "" ? value : this.refuse(name, "text");
  }

  textOrNull(name: string): string | null {
    const value = this.get(name) ?? null;
    return value === null || typeof value === "string" ? value : this.refuse(name, "text or null");
  }

  /** A time that can be calculated with. */
  time(name: string): string {
    const value = this.text(name);
    return Number.isNaN(Date.parse(value)) ? this.refuse(name, "a time") : value;
  }

  timeOrNull(name: string): string | null {
    return this.textOrNull(name) === null ? null : this.time(name);
  }

  count(name: string): number {
    const value = this.get(name);
    return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : this.refuse(name, "a count");
  }

  texts(name: string): readonly string[] {
    const value = this.get(name) ?? [];
    if (!Array.isArray(value)) return this.refuse(name, "a list of texts");
    return value.filter((item): item is string => typeof item === "string");
  }

  any(name: string): unknown {
    return this.get(name) ?? null;
  }

  objects(name: string): readonly Fields[] {
    const value = this.get(name);
    if (!Array.isArray(value)) return this.refuse(name, "a list");
    return value.map((item: unknown, index) => new Fields(item, `${this.path}${name}[${index}]`));
  }

  private get(name: string): unknown {
    return Object.hasOwn(this.document, name) ? this.document[name] : undefined;
  }

  private refuse(name: string, what: string): never {
    throw new WrongAnswer(`${this.path === "" ? "" : `${this.path}.`}${name} must be ${what}`);
  }
}

/** Reads a description, and names the field that is wrong. */
export function readDescription(document: unknown): ActivityDescription {
  const fields = new Fields(document);
  return {
    ...readListed(fields),
    namespace: fields.text("namespace"),
    activity_status: fields.text("activity_status"),
    attempt_count: fields.count("attempt_count"),
    closed_reason: fields.textOrNull("closed_reason"),
    last_progress_at: fields.textOrNull("last_progress_at"),
    last_heartbeat_at: fields.textOrNull("last_heartbeat_at"),
    result: fields.any("result"),
    failure: fields.any("failure"),
    attempts: fields.any("attempts"),
  };
}

/** Reads a page of activities, and names the field that is wrong. */
export function readActivityPage(document: unknown): ActivityPage {
  const fields = new Fields(document);
  return {
    activities: fields.objects("activities").map(readListed),
    next_page_token: fields.textOrNull(nextPageField(document)),
  };
}

export function readHistoryPage(document: unknown): HistoryPage {
  const fields = new Fields(document);
  return {
    events: fields.objects("events").map(readEvent),
    next_page_token: fields.textOrNull("next_page_token"),
  };
}

/** Reads a page of workers, and names the field that is wrong. */
export function readWorkerPage(document: unknown): WorkerPage {
  const fields = new Fields(document);
  return {
    workers: fields.objects("workers").map((worker) => ({
      task_queue: worker.text("task_queue"),
      status: worker.text("status"),
      supported_activity_types: worker.texts("supported_activity_types"),
    })),
    next_page_token: fields.textOrNull("next_page_token"),
  };
}

/** Reads what is known of arguments, and names the field that is wrong. */
export function readInputSchemaList(document: unknown): readonly ListedInputSchema[] {
  return new Fields(document).objects("input_schemas").map((one) => {
    const schema = one.any("schema");
    return {
      task_queue: one.text("task_queue"),
      activity_type: one.text("activity_type"),
      schema: isObject(schema) ? schema : {},
    };
  });
}

/** What an engine says of itself: enough of it to know that it is one. */
export function readClusterInfo(document: unknown): Readonly<Record<string, unknown>> {
  const isEngine = isObject(document) && (isObject(document["worker_protocol"]) || isObject(document["control_plane"]));
  if (!isEngine) throw new WrongAnswer("worker_protocol must be an object");
  return document;
}

function readListed(fields: Fields): ListedActivity {
  return {
    activity_id: fields.text("activity_id"),
    workflow_run_id: fields.text("workflow_run_id"),
    activity_type: fields.text("activity_type"),
    task_queue: fields.text("task_queue"),
    status: fields.text("status"),
    started_at: fields.time("started_at"),
    closed_at: fields.timeOrNull("closed_at"),
    business_key: fields.textOrNull("business_key"),
  };
}

function readEvent(fields: Fields): HistoryEvent {
  const payload = fields.any("payload");
  return {
    sequence: fields.count("sequence"),
    event_type: fields.text("event_type"),
    timestamp: fields.time("timestamp"),
    // PHP writes an empty object as a list.
    payload: isObject(payload) ? payload : null,
  };
}
