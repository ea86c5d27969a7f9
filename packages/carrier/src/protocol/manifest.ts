import { isObject, type JsonObject } from "./fields.js";

/**
 * The media type of a manifest. Who wants one asks with `GET` and this in `Accept`; carriers in any language may answer. This
 * project's own addition: the engine's protocol has no such thing.
 */
export const ACTIVITY_MANIFEST_MEDIA_TYPE = "application/vnd.durable-workflow.activity-manifest+json";
/** Names the kind of document that a manifest of activities is. */
export const ACTIVITY_MANIFEST_SCHEMA = "durable-workflow.activity-manifest";
/** The version of that document which this package writes. */
export const ACTIVITY_MANIFEST_VERSION = 1;
/** Characters that the JSON Schema of an activity's arguments may have: a longer one helps nobody who fills in a form. */
export const LONGEST_INPUT_SCHEMA = 65_536;
/** What a reader takes of a manifest. */
const MOST_TYPES = 10_000;

/** What a carrier says of itself. */
export interface ActivityManifestDocument {
  readonly schema: typeof ACTIVITY_MANIFEST_SCHEMA;
  readonly version: typeof ACTIVITY_MANIFEST_VERSION;
  /** As in `metadata.carrier` of its results. */
  readonly carrier: string;
  /** The types that it serves now. */
  readonly activity_types: readonly string[];
  /** Of the list of arguments, in JSON Schema (2020-12), by type; of those alone that it is known of. */
  readonly input_schemas?: Readonly<Record<string, JsonObject>>;
}

/** The manifest of a handler, for carriers that answer requests in their own way. */
export function manifestOf(
  {
    carrier,
    activityTypes,
  }: {
    readonly carrier: string;
    readonly activityTypes: readonly string[];
  },
  inputSchemas?: ReadonlyMap<string, JsonObject>,
): ActivityManifestDocument {
  const told = [...(inputSchemas ?? [])].filter(([type]) => activityTypes.includes(type));
  return {
    schema: ACTIVITY_MANIFEST_SCHEMA,
    version: ACTIVITY_MANIFEST_VERSION,
    carrier,
    activity_types: [...activityTypes],
    ...(told.length > 0 && { input_schemas: Object.fromEntries(told) }),
  };
}

/**
 * The activity types that a manifest names, each once; undefined for what is not a manifest of this version.
 *
 * @param document parsed from JSON, by whoever asked
 */
export function readActivityManifest(document: unknown): readonly string[] | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  const {
    schema,
    version,
    activity_types: types,
  } = document as Partial<Record<keyof ActivityManifestDocument, unknown>>;
  if (schema !== ACTIVITY_MANIFEST_SCHEMA || version !== ACTIVITY_MANIFEST_VERSION) return undefined;
  if (!Array.isArray(types) || types.length > MOST_TYPES) return undefined;
  return types.every(isType) ? [...new Set(types)] : undefined;
}

/**
 * What a manifest says of the arguments of the types that it names: JSON Schemas of the whole list, by type. Empty for a
 * manifest that says nothing of them, and for what is none. Left out are those over {@link LONGEST_INPUT_SCHEMA} characters.
 *
 * @param document parsed from JSON, by whoever asked
 */
export function readInputSchemas(document: unknown): ReadonlyMap<string, JsonObject> {
  const types = readActivityManifest(document) ?? [];
  const { input_schemas: told } = types.length === 0 ? {} : (document as { readonly input_schemas?: unknown });
  const schemas = new Map<string, JsonObject>();
  if (!isObject(told)) return schemas;
  for (const type of types) {
    const schema = Object.hasOwn(told, type) ? told[type] : undefined;
    if (isObject(schema) && JSON.stringify(schema).length <= LONGEST_INPUT_SCHEMA) schemas.set(type, schema);
  }
  return schemas;
}

function isType(type: unknown): type is string {
  return typeof type === "string" && type !== "";
}
