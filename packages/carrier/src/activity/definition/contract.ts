import type { InputArguments } from "./arguments.js";
import type { ActivityInput, SchemaOutput, StandardSchema } from "./standard-schema.js";

export type {
  ActivityInput,
  ArgumentListSchema,
  ArgumentSchemas,
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  StandardSchema,
} from "./standard-schema.js";
export type { InputArguments };

/** What those who start an activity need not repeat. Seconds are whole, as on the wire. */
export interface StartDefaults {
  /** Default: the engine's own, `default`. */
  readonly taskQueue?: string | undefined;
  /** Default: one attempt. */
  readonly retry?: RetryDefaults | undefined;
  /** From the start of an attempt to its end; at least 1. Default: none. */
  readonly startToCloseSeconds?: number | undefined;
  /** From the start of the activity until a worker takes it; at least 1. Default: none. */
  readonly scheduleToStartSeconds?: number | undefined;
  /** From the start of the activity to its end, all attempts in it; at least 1. Default: none. */
  readonly scheduleToCloseSeconds?: number | undefined;
  /** Between two heartbeats of an attempt; at least 1. Default: none. */
  readonly heartbeatSeconds?: number | undefined;
}

/** How an activity is tried again where a start says nothing of it. */
export interface RetryDefaults {
  /** Attempts in all, from 1 on. */
  readonly maxAttempts: number;
  /** Whole seconds between a failed attempt and the next; the last one repeats. Default: none. */
  readonly backoffSeconds?: readonly number[] | undefined;
  /** Types of failures, the `name` of an error, that end the activity. */
  readonly nonRetryableErrorTypes?: readonly string[] | undefined;
}

/**
 * The name and the types of an activity, perhaps with schemas: what callers import in place of the handler. Made by
 * {@link activityContract}. A definition can be made from it: `defineActivity({ ...charge, run })`, or
 * `defineActivity(charge, run)`.
 */
export interface ActivityContract<
  Name extends string = string,
  Args extends readonly unknown[] = readonly unknown[],
  Result = unknown,
  Input extends ActivityInput | undefined = ActivityInput | undefined,
  Output extends StandardSchema | undefined = StandardSchema | undefined,
> {
  readonly name: Name;
  readonly input: Input;
  readonly output: Output;
  /** An option of `start` counts before it. */
  readonly defaults?: StartDefaults | undefined;
  /** For the compiler only. */
  readonly "~types"?: { readonly args: Args; readonly result: Result };
}

/** What says an activity's name and types: a contract, or a definition. */
export interface TypedActivity {
  readonly name: string | undefined;
  readonly "~types"?: { readonly args: readonly unknown[]; readonly result: unknown };
}

/** The name of a contract or definition, where the compiler knows it; `string` where it does not. */
export type NameOf<Activity extends TypedActivity> = Activity["name"] extends infer Name extends string ? Name : never;

/** The arguments that are sent to a contract or definition. */
export type ContractArgs<Activity> = Activity extends {
  readonly "~types"?: { readonly args: infer Args extends readonly unknown[] };
}
  ? Args
  : readonly unknown[];

/** The result that comes back from a contract or definition, as its handler returns it. */
export type ContractResult<Activity> = Activity extends { readonly "~types"?: { readonly result: infer Result } }
  ? Result
  : unknown;

/** The contract of a definition. */
export type ContractOf<Activity extends TypedActivity> = ActivityContract<
  NameOf<Activity>,
  ContractArgs<Activity>,
  ContractResult<Activity>,
  undefined,
  undefined
>;

interface ContractWithSchemas<Name extends string, Input extends ActivityInput, Output extends StandardSchema> {
  readonly name: Name;
  readonly input: Input;
  readonly output: Output;
  readonly defaults?: StartDefaults | undefined;
}

/**
 * Declares an activity without its handler, so that whoever starts it bundles none of the handler's code.
 *
 * ```ts
 * export const charge = activityContract({
 *   name: "billing.charge",
 *   input: [z.string(), z.int().positive()],
 *   output: Receipt,
 *   defaults: { taskQueue: "billing", startToCloseSeconds: 60 },
 * });
 * export const refund = activityContract("billing.refund").types<[charge: string], Receipt>();
 * ```
 *
 * A client that starts it validates the arguments by `input`, and sends them as they were given: what the schemas make of
 * them is made where the handler runs. `output` is not looked at by clients.
 *
 * @throws {TypeError} for a name that is empty or no string
 */
export function activityContract<
  const Name extends string,
  const Input extends ActivityInput,
  Output extends StandardSchema,
>(
  contract: ContractWithSchemas<Name, Input, Output>,
): ActivityContract<Name, InputArguments<Input>, SchemaOutput<Output>, Input, Output>;
/** Without schemas: types alone. Options that callers need not repeat may follow. */
export function activityContract<const Name extends string>(
  name: Name,
  defaults?: StartDefaults,
): {
  types<Args extends readonly unknown[], Result>(): ActivityContract<Name, Args, Result, undefined, undefined>;
};
export function activityContract(
  given: string | ContractWithSchemas<string, ActivityInput, StandardSchema>,
  defaults?: StartDefaults,
): unknown {
  if (typeof given !== "string") return contractOf(given);
  const contract = contractOf({ name: given, input: undefined, output: undefined, defaults });
  return { types: () => contract };
}

/**
 * A contract with the types of a definition that is imported as a type only, so that none of its code is bundled.
 *
 * ```ts
 * import type { charge } from "./activities.js";
 * const receipt = await client.execute(activityRef<typeof charge>("billing.charge"), ["card-7", 1299]);
 * ```
 *
 * Only the definition's own name compiles: whoever renames it breaks the build. Its schemas are not there, so that a client
 * does not validate the arguments.
 *
 * @throws {TypeError} for a name that is empty or no string
 */
export function activityRef<Activity extends TypedActivity>(name: NameOf<Activity>): ContractOf<Activity> {
  return contractOf({ name, input: undefined, output: undefined });
}

function contractOf<Given extends { readonly name: string; readonly defaults?: StartDefaults | undefined }>(
  given: Given,
): Given {
  if (typeof given.name !== "string" || given.name.trim() === "") {
    throw new TypeError("the name of an activity contract must be a non-empty string");
  }
  const contract = { ...given };
  if (contract.defaults === undefined) delete (contract as { defaults?: unknown }).defaults;
  return Object.freeze(contract);
}
