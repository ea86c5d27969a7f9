import type { ContractArgs, ContractResult, StartDefaults, TypedActivity } from "@durable-workflow/carrier/contract";
import type { ClientError } from "./errors/client-error.js";
import type { ActivityHandle, ActivitySummary, CallOptions, ListQuery, WaitOptions } from "./handle.js";

/** What can be started: a contract, a reference, a definition, or a bare name, which takes and gives `unknown`. */
export type ActivityLike = string | TypedActivity;

/** The arguments that an activity takes. */
export type ArgsOf<Activity> = Activity extends string ? readonly unknown[] : ContractArgs<Activity>;

/** The result that arrives: `undefined` and `void` have become null. */
export type ResultOf<Activity> = Activity extends string ? unknown : Arrived<ContractResult<Activity>>;

/** What a handler's return value is once it has come over the wire. */
export type Arrived<Value> = [Value] extends [undefined] ? null : unknown extends Value ? unknown : ArrivedOf<Value>;
// oxlint-disable-next-line typescript/no-invalid-void-type -- the type of functions that return nothing
type ArrivedOf<Value> = Value extends void | undefined ? null : Value;

export interface StartOptions extends StartDefaults, CallOptions {
  /**
   * The business fact that the activity stands for, as in `order-17`: two activities of one id never run at once. At most 128
   * letters, digits and `. _ : -`. Default: a ULID.
   */
  readonly id?: string | undefined;
  /** A text to find it by, for people. */
  readonly businessKey?: string | undefined;
  /** When one of this id is running: an error that carries its handle, or its handle. Default `error`. */
  readonly onRunning?: "error" | "attach" | undefined;
  /**
   * When one of this id has ended: another run of it, or the handle of the one that ended. `attach` asks first, and is best
   * effort: the engine promises nothing of the kind. Default `restart`.
   */
  readonly onClosed?: "restart" | "attach" | undefined;
}

export interface ExecuteOptions extends StartOptions, WaitOptions {
  /** Whether `signal` and `timeoutMs` cancel the activity too. Default false: giving up waiting cancels nothing. */
  readonly cancelOnAbort?: boolean | undefined;
}

/** The arguments of one activity of many, perhaps with options of its own. */
export type StartItem<Activity> =
  | ArgsOf<Activity>
  | { readonly args: ArgsOf<Activity>; readonly options?: Omit<StartOptions, "signal"> };

export interface ManyOptions extends StartDefaults, CallOptions {
  /** How many are started at once. Default 16. */
  readonly concurrency?: number | undefined;
  readonly onRunning?: StartOptions["onRunning"];
  readonly onClosed?: StartOptions["onClosed"];
}

/** What came of one of many starts. */
export type ManyOutcome<Activity> =
  | {
      readonly input: StartItem<Activity>;
      /** Its place among the items, from 0. */
      readonly index: number;
      readonly handle: ActivityHandle<ResultOf<Activity>>;
      readonly error?: undefined;
    }
  | {
      readonly input: StartItem<Activity>;
      readonly index: number;
      readonly handle?: undefined;
      readonly error: ClientError;
    };

/** Starts activities on an engine, finds them, and waits for their ends. */
export interface Client {
  /**
   * Starts an activity, and returns once the engine has it on record. It is not exactly once for what the handler does: an
   * attempt may run twice, so let it dedupe by `context.info.executionId`. Without `retry` there is one attempt.
   *
   * A start whose answer was lost is looked for by its id, and sent again only when it is not there.
   *
   * @throws {TypeError} (as a rejection) for options that are not known or cannot be, before anything is sent
   * @throws {ClientError} (as a rejection) with `mayHaveActed: true` where the activity may be there all the same
   */
  start<const Activity extends ActivityLike>(
    activity: Activity,
    args: ArgsOf<Activity>,
    options?: StartOptions,
  ): Promise<ActivityHandle<ResultOf<Activity>>>;
  /** Starts it and waits for its result. @throws as `start` and `ActivityHandle.result` */
  execute<const Activity extends ActivityLike>(
    activity: Activity,
    args: ArgsOf<Activity>,
    options?: ExecuteOptions,
  ): Promise<ResultOf<Activity>>;
  /**
   * Starts many, one outcome for each as they come. The next item is taken only when one of `concurrency` is free. An item
   * never makes it throw; the items' own iterator may.
   */
  startMany<const Activity extends ActivityLike>(
    activity: Activity,
    items: Iterable<StartItem<Activity>> | AsyncIterable<StartItem<Activity>>,
    options?: ManyOptions,
  ): AsyncIterable<ManyOutcome<Activity>>;
  /** A handle, without a request. Without `runId` it follows whichever run of the id is newest. */
  handle<Activity = unknown>(
    activityId: string,
    options?: { readonly runId?: string | undefined; readonly of?: Activity },
  ): ActivityHandle<ResultOf<Activity>>;
  /** The newest first, page by page. Pages are offsets: what starts meanwhile may shift them. @throws {ClientError} */
  list(query?: ListQuery): AsyncIterable<ActivitySummary>;
  /** The same client, checked against the exports of a module: `client.typed<typeof import("./activities.js")>()`. */
  typed<Activities>(): TypedClient<Activities>;
  /** Ends every wait with `closed`, and lets go of the connections. What was started goes on. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Handlers of a module as what a client starts: plain functions take their own parameters. They have a `name` too. */
type Startable<Handler> = Handler extends (...args: infer Args) => infer Returned
  ? {
      readonly name: string;
      readonly "~types"?: { readonly args: Args; readonly result: Awaited<Returned> };
    }
  : Handler extends TypedActivity
    ? Handler
    : never;

/** A definition's own name counts before that of its export. */
type NameIn<Key, Handler> = Handler extends { readonly name: infer Name extends string }
  ? string extends Name
    ? Key
    : Name
  : Key;

/** The activities among a module's exports, by the name that they are started by. */
export type ActivitiesIn<Module> = {
  readonly [Key in keyof Module as Startable<Module[Key]> extends never
    ? never
    : NameIn<Key, Module[Key]> & string]: Startable<Module[Key]>;
};

/** A {@link Client} whose names, arguments and results are those of a module. */
export interface TypedClient<Module> {
  start<Name extends keyof ActivitiesIn<Module>>(
    activity: Name,
    args: ContractArgs<ActivitiesIn<Module>[Name]>,
    options?: StartOptions,
  ): Promise<ActivityHandle<Arrived<ContractResult<ActivitiesIn<Module>[Name]>>>>;
  execute<Name extends keyof ActivitiesIn<Module>>(
    activity: Name,
    args: ContractArgs<ActivitiesIn<Module>[Name]>,
    options?: ExecuteOptions,
  ): Promise<Arrived<ContractResult<ActivitiesIn<Module>[Name]>>>;
  startMany<Name extends keyof ActivitiesIn<Module>>(
    activity: Name,
    items: Iterable<StartItem<ActivitiesIn<Module>[Name]>> | AsyncIterable<StartItem<ActivitiesIn<Module>[Name]>>,
    options?: ManyOptions,
  ): AsyncIterable<ManyOutcome<ActivitiesIn<Module>[Name]>>;
}
