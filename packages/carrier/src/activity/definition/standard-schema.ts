/**
 * A validator of the Standard Schema interface, version 1 (https://standardschema.dev): zod, valibot, arktype and others
 * implement it. Described here by the part that is used, so that this library depends on none of them.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value: the value that it made of it, or its issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that a schema finds wrong with a value, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of the values that a schema takes. */
export type SchemaInput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["input"];

/** The type of the values that a schema makes of them. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];

/** One schema for each argument. */
export type ArgumentSchemas = readonly StandardSchema[];

/** One schema for the whole list of arguments: it says how many there are, and can check one against another. */
export type ArgumentListSchema = StandardSchema<unknown, readonly unknown[]>;

/** Schemas for the arguments of an activity: one for each, or one for the list of them. */
export type ActivityInput = ArgumentSchemas | ArgumentListSchema;

/** Schemas are objects, or, as arktype has it, functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  const isObjectLike = (typeof value === "object" && value !== null) || typeof value === "function";
  if (!isObjectLike || !("~standard" in value)) return false;
  const standard: unknown = value["~standard"];
  return typeof standard === "object" && standard !== null && "validate" in standard;
}
