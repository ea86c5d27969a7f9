import { type AvroValue, isPayloadError, payloadEnvelope } from "@durable-workflow/carrier/payload";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import type { ActionOutcome, ActionRequest, ActivityOptions } from "../api/index.js";
import type { EngineCalls } from "../engine/engine-calls.js";
import type { Source } from "../engine/source.js";
import type { PayloadReader } from "../payload/payload-reader.js";
import { Problem } from "../problem.js";
import { jsonOf, toldOf } from "../view/payload.js";
import { commandLine } from "./command-line.js";
import { optionsIn, startRequest, typesIn } from "./start-request.js";

/** Longer arguments are not part of a command line. */
const LONGEST_ARGUMENTS = 2_000;

export interface ActionsOptions {
  readonly calls: EngineCalls;
  readonly source: Source;
  readonly payloads: PayloadReader;
  /** Reads arguments from JSON text; throws an error that says what is wrong. */
  readonly parseArguments: (text: string) => readonly AvroValue[];
  /** How a command line names this engine. */
  readonly connection: string;
  readonly isReadOnly: boolean;
}

type Done = Pick<ActionOutcome, "text" | "command" | "started">;

/** What is prepared: the command that does the same, and how it is done. */
interface Prepared {
  readonly command: string;
  readonly what: string;
  readonly run: () => Promise<Omit<Done, "command">>;
}

/** Does what the page asks for, and says what came of it. */
export class Actions {
  private readonly options: ActionsOptions;

  constructor(options: ActionsOptions) {
    this.options = options;
  }

  /** @throws {Problem} when the request itself is wrong, or the engine gives no answer; its refusal is an outcome */
  async do(request: ActionRequest): Promise<ActionOutcome> {
    const prepared = await this.prepare(request);
    const base = {
      action: request.action,
      command: prepared.command,
      at: await this.options.source.now(),
      started: null,
    };
    if (request.dryRun === true) {
      return { ...base, done: false, text: `Nothing was done: ${prepared.what}`, error: null };
    }
    if (this.options.isReadOnly) {
      throw new Problem("unsupported", "this page may only look: the command was started with --read-only");
    }
    try {
      return { ...base, done: true, ...(await prepared.run()), error: null };
    } catch (error) {
      if (!(error instanceof Problem) || !REFUSALS.has(error.code)) throw error;
      const { code, message, hint } = error;
      return { ...base, done: false, text: message, error: { code, message, hint } };
    }
  }

  private async prepare(request: ActionRequest): Promise<Prepared> {
    switch (request.action) {
      case "cancel":
      case "terminate":
        return this.stop(request);
      case "start_again":
        return this.startAgain(request);
      case "start":
        return this.start(request);
      case "drain_queue":
      case "resume_queue":
        return this.drain(request);
    }
  }

  private stop({ action, id, runId, reason }: Extract<ActionRequest, { action: "cancel" | "terminate" }>): Prepared {
    return {
      command: this.line([action, id], { reason }),
      what: `it would ${action} ${id}.`,
      run: async () => {
        await this.options.calls.stop(action, id, runId, reason);
        const word = action === "cancel" ? "cancelled" : "terminated";
        return { text: `The engine has ${word} ${id}; its handler is told at its next heartbeat.`, started: null };
      },
    };
  }

  private drain({ action, queue }: Extract<ActionRequest, { action: "drain_queue" | "resume_queue" }>): Prepared {
    if (!this.options.source.features.drainQueue) {
      throw new Problem("unsupported", "the queues of this engine cannot be drained from here", { field: "queue" });
    }
    const how = action === "drain_queue" ? "drain" : "resume";
    const does =
      how === "drain"
        ? "takes no new activities; those that it holds are still handed out"
        : "takes new activities again";
    return {
      command: this.line([how, queue], {}),
      what: `it would ${how} queue ${queue}.`,
      run: async () => {
        await this.options.calls.drain(how, queue);
        return { text: `Queue ${queue} ${does}.`, started: null };
      },
    };
  }

  private start({
    type,
    queue,
    id,
    businessKey,
    input,
    options = {},
  }: Extract<ActionRequest, { action: "start" }>): Prepared {
    const request = startRequest({ type, queue, id, businessKey, options });
    return this.prepared(request, input === undefined || input.trim() === "" ? undefined : this.encode(input), options);
  }

  private async startAgain({
    id,
    runId,
    newId,
    input,
    queue,
  }: Extract<ActionRequest, { action: "start_again" }>): Promise<Prepared> {
    const { calls, payloads } = this.options;
    const description = await calls.describe(id);
    const run = runId ?? description.workflow_run_id;
    const first = await calls.history(id, run, { page_size: "3" });
    const options = optionsIn(first.events);
    const payload = input === undefined ? await payloads.again(id, run) : this.encode(input);
    const told = typesIn(first.events, description);
    const request = startRequest({ ...told, queue: queue ?? told.queue, id: newId, options });
    return this.prepared(request, payload, options);
  }

  private prepared(request: StartRequest, payload: object | undefined, options: Partial<ActivityOptions>): Prepared {
    const { activity_type: type, task_queue: queue, activity_id: id, business_key: businessKey } = request;
    return {
      command: this.line(["start", type, ...argumentsOf(payload)], {
        queue,
        id,
        "business-key": businessKey,
        "max-attempts": options.maxAttempts,
        backoff: options.backoffSeconds?.join(","),
        "non-retryable": options.nonRetryableErrorTypes?.join(","),
        "start-to-close": options.startToCloseSeconds,
        "schedule-to-start": options.scheduleToStartSeconds,
        "schedule-to-close": options.scheduleToCloseSeconds,
        "heartbeat-timeout": options.heartbeatSeconds,
      }),
      what: `it would start ${type} in queue ${queue}.`,
      run: async () => {
        const body =
          payload === undefined ? request : { ...request, input: payload as NonNullable<StartRequest["input"]> };
        const started = await this.options.calls.start(body);
        const name = { id: started.activity_id, runId: started.workflow_run_id };
        return { text: `Started ${type} as ${name.id} in queue ${queue}.`, started: name };
      },
    };
  }

  private encode(text: string): object {
    try {
      return payloadEnvelope(this.options.parseArguments(text));
    } catch (error) {
      const message = isPayloadError(error) || error instanceof Error ? error.message : "the arguments cannot be read";
      throw new Problem("bad_request", message, {
        field: "input",
        hint: `A JSON list with an item for each argument; bytes are {"$type":"bytes","base64":"..."}, and 7.0 is a double.`,
      });
    }
  }

  private line(
    words: readonly string[],
    options: Readonly<Record<string, string | number | null | undefined>>,
  ): string {
    return commandLine(words, options, this.options.connection);
  }
}

/** What an engine may answer to a request that was right in itself. */
const REFUSALS: ReadonlySet<Problem["code"]> = new Set(["refused", "not_found", "too_large", "unauthorized"]);

function argumentsOf(payload: object | undefined): readonly string[] {
  const told = toldOf(payload);
  if (told === undefined) return [];
  const read = "blob" in told ? jsonOf(told) : undefined;
  const json = read !== undefined && "json" in read ? JSON.stringify(JSON.parse(read.json)) : undefined;
  return [json === undefined || json.length > LONGEST_ARGUMENTS ? "@arguments.json" : json];
}
