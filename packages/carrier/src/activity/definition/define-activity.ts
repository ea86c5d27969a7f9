import { brand, brandOf } from "../../protocol/brand.js";
import { describeReceived } from "../../protocol/fields.js";
import type { ActivityContext } from "../context.js";
import { type ContextSource, contextOf } from "../run/run-context.js";
import {
  type ActivityInput,
  type ArgumentListSchema,
  type ArgumentSchemas,
  isStandardSchema,
  type SchemaInput,
  type SchemaOutput,
  type StandardSchema,
} from "./standard-schema.js";
import { validateArguments, validateResult } from "./validation.js";

/** A function that runs an activity, whatever its arguments. */
export type ActivityRunFunction = (context: ActivityContext, ...args: never[]) => unknown;

type InputOfEach<Schemas extends ArgumentSchemas> = OptionalTail<{
  -readonly [Index in keyof Schemas]: SchemaInput<Schemas[Index]>;
}>;
type OutputOfEach<Schemas extends ArgumentSchemas> = {
  -readonly [Index in keyof Schemas]: SchemaOutput<Schemas[Index]>;
};
/** What a workflow sends. */
type InputArguments<Input extends ActivityInput> = Input extends ArgumentSchemas
  ? InputOfEach<Input>
  : Input extends ArgumentListSchema
    ? ListOf<SchemaInput<Input>>
    : never;
/** What `run` gets. */
type OutputArguments<Input extends ActivityInput> = Input extends ArgumentSchemas
  ? OutputOfEach<Input>
  : Input extends ArgumentListSchema
    ? ListOf<SchemaOutput<Input>>
    : never;
/** A schema that begins with a preprocessor takes anything; only lists are ever sent. */
type ListOf<Value> = Value extends readonly unknown[] ? Value : readonly unknown[];
/** Arguments at the end that may be undefined may be left out. A list of any length stays as it is. */
type OptionalTail<Args extends readonly unknown[]> = number extends Args["length"]
  ? Args
  : Args extends readonly [...infer Front, infer Last]
    ? undefined extends Last
      ? [...OptionalTail<Front>, Last?]
      : Args
    : Args;

/** An activity that gets a context, and whose arguments and return value may be validated. Made by {@link defineActivity}. */
export interface ActivityDefinition<
  Args extends readonly unknown[] = readonly unknown[],
  Result = unknown,
  Run = ActivityRunFunction,
> {
  /** The activity type; undefined when it is named where it is registered. */
  readonly name: string | undefined;
  readonly input: ActivityInput | undefined;
  readonly output: StandardSchema | undefined;
  readonly run: Run;
  /** How a carrier runs it: arguments and return value are validated. */
  readonly "~call": (activityType: string, source: ContextSource, args: readonly unknown[]) => unknown;
  /** For the compiler only: what a workflow sends, and what it gets back. */
  readonly "~types"?: { readonly args: Args; readonly result: Result };
}

interface DefinitionWithInput<Input extends ActivityInput> {
  readonly name?: string;
  readonly input: Input;
}
interface DefinitionWithoutInput {
  readonly name?: string;
  readonly input?: undefined;
}

/**
 * Defines an activity that gets a context in front of its arguments.
 *
 * ```ts
 * const charge = defineActivity({
 *   name: "billing.charge",
 *   input: [z.string(), z.number().int().positive()],
 *   run: async (context, card, cents) => gateway.charge(card, cents, { signal: context.signal }),
 * });
 * ```
 *
 * `input` has one Standard Schema for each argument (zod, valibot, arktype and others), or is one that validates the list
 * of them: `z.tuple([z.string()], z.number())` takes any number after the text. `output` has one for the return value;
 * what the schemas make of the values is what `run` gets and the workflow gets. Arguments that do not validate fail the
 * task as a decode failure, not retryable, with every issue in the details, and `run` is not called; so do more
 * arguments than there are schemas. A return value that does not validate fails like one that does not encode. A
 * validator that throws fails the task like a handler that throws, and so does one of the list that makes no list of it.
 *
 * @throws {TypeError} for an empty name, an `input` that is neither a schema nor a list of schemas, an `output` that is no
 *   schema, and a `run` that is no function
 */
export function defineActivity<const Input extends ActivityInput, Output extends StandardSchema>(
  definition: DefinitionWithInput<Input> & {
    readonly output: Output;
    readonly run: (
      context: ActivityContext,
      ...args: OutputArguments<Input>
    ) => SchemaInput<Output> | Promise<SchemaInput<Output>>;
  },
): ActivityDefinition<
  InputArguments<Input>,
  SchemaOutput<Output>,
  (context: ActivityContext, ...args: OutputArguments<Input>) => SchemaInput<Output> | Promise<SchemaInput<Output>>
>;
export function defineActivity<const Input extends ActivityInput, Returned>(
  definition: DefinitionWithInput<Input> & {
    readonly output?: undefined;
    readonly run: (context: ActivityContext, ...args: OutputArguments<Input>) => Returned;
  },
): ActivityDefinition<
  InputArguments<Input>,
  Awaited<Returned>,
  (context: ActivityContext, ...args: OutputArguments<Input>) => Returned
>;
export function defineActivity<Args extends unknown[], Output extends StandardSchema>(
  definition: DefinitionWithoutInput & {
    readonly output: Output;
    readonly run: (context: ActivityContext, ...args: Args) => SchemaInput<Output> | Promise<SchemaInput<Output>>;
  },
): ActivityDefinition<
  Args,
  SchemaOutput<Output>,
  (context: ActivityContext, ...args: Args) => SchemaInput<Output> | Promise<SchemaInput<Output>>
>;
export function defineActivity<Args extends unknown[], Returned>(
  definition: DefinitionWithoutInput & {
    readonly output?: undefined;
    readonly run: (context: ActivityContext, ...args: Args) => Returned;
  },
): ActivityDefinition<Args, Awaited<Returned>, (context: ActivityContext, ...args: Args) => Returned>;
export function defineActivity(definition: {
  readonly name?: string;
  readonly input?: ActivityInput | undefined;
  readonly output?: StandardSchema | undefined;
  readonly run: ActivityRunFunction;
}): ActivityDefinition {
  const { name, input, output, run } = definition;
  const label = typeof name === "string" && name !== "" ? ` of ${name}` : "";
  if (name !== undefined && (typeof name !== "string" || name.trim() === "")) {
    throw new TypeError(`name must be a non-empty string, or be left out, got ${describeReceived(name)}`);
  }
  if (typeof run !== "function") throw new TypeError(`run${label} must be a function, got ${describeReceived(run)}`);
  if (input !== undefined && !isInput(input)) {
    const taken = "a list of Standard Schema validators, one for each argument, or one validator of the whole list";
    throw new TypeError(`input${label} must be ${taken}, got ${describeWrongInput(input)}`);
  }
  if (output !== undefined && !isStandardSchema(output)) {
    throw new TypeError(`output${label} must be a Standard Schema validator, got ${describeReceived(output)}`);
  }
  const schemas = isList(input) ? [...input] : input;
  const defined = { name, input: schemas, output, run, "~call": toCall(schemas, output, run) };
  brand(defined, "ActivityDefinition");
  return Object.freeze(defined);
}

function toCall(
  input: ActivityInput | undefined,
  output: StandardSchema | undefined,
  run: ActivityRunFunction,
): ActivityDefinition["~call"] {
  const call = run as (context: ActivityContext, ...args: readonly unknown[]) => unknown;
  if (input === undefined && output === undefined) {
    return (_type, source, args) => {
      const context = contextOf(source);
      return call(context, ...args);
    };
  }
  return async (type, source, args) => {
    const accepted = input === undefined ? args : await validateArguments(type, input, args);
    const context = contextOf(source);
    const value = await call(context, ...accepted);
    return output === undefined ? value : validateResult(output, value);
  };
}

function isInput(input: unknown): input is ActivityInput {
  return Array.isArray(input) ? input.every(isStandardSchema) : isStandardSchema(input);
}

function describeWrongInput(input: unknown): string {
  if (!Array.isArray(input)) return describeReceived(input);
  const wrong = input.findIndex((schema) => !isStandardSchema(schema));
  return `${describeReceived(input[wrong])} at [${wrong}]`;
}

function isList(input: ActivityInput | undefined): input is ArgumentSchemas {
  return Array.isArray(input);
}

/** True for an {@link ActivityDefinition} of any copy of this library. */
export function isActivityDefinition(value: unknown): value is ActivityDefinition {
  return brandOf(value) === "ActivityDefinition";
}
