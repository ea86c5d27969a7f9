import type {
  ActivityInput,
  ArgumentListSchema,
  ArgumentSchemas,
  SchemaInput,
  SchemaOutput,
} from "./standard-schema.js";

type InputOfEach<Schemas extends ArgumentSchemas> = OptionalTail<{
  -readonly [Index in keyof Schemas]: SchemaInput<Schemas[Index]>;
}>;
type OutputOfEach<Schemas extends ArgumentSchemas> = {
  -readonly [Index in keyof Schemas]: SchemaOutput<Schemas[Index]>;
};
/** What a workflow or a client sends. */
export type InputArguments<Input extends ActivityInput> = Input extends ArgumentSchemas
  ? InputOfEach<Input>
  : Input extends ArgumentListSchema
    ? ListOf<SchemaInput<Input>>
    : never;
/** What `run` gets. */
export type OutputArguments<Input extends ActivityInput> = Input extends ArgumentSchemas
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
