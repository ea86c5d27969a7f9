import type { ActivityHandlers, HandlersOf } from "../activity/definition/registry.js";
import { type InvocableHandler, isInvocableHandler } from "../activity/invocable-handler.js";
import type { JsonObject } from "../protocol/fields.js";
import { ACTIVITY_MANIFEST_MEDIA_TYPE, manifestOf } from "../protocol/manifest.js";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import type { ActivityManifest } from "./endpoint-options.js";
import { inputSchemasOf } from "./input-schemas.js";
import { respond } from "./responses.js";

export { isInvocableHandler } from "../activity/invocable-handler.js";
export {
  ACTIVITY_MANIFEST_MEDIA_TYPE,
  ACTIVITY_MANIFEST_SCHEMA,
  ACTIVITY_MANIFEST_VERSION,
  type ActivityManifestDocument,
  LONGEST_INPUT_SCHEMA,
  manifestOf,
  readActivityManifest,
  readInputSchemas,
} from "../protocol/manifest.js";
export type { ActivityManifest } from "./endpoint-options.js";
export { inputSchemasOf } from "./input-schemas.js";

/** Options of `activityManifest`. */
export interface ActivityManifestOptions<Handlers extends object = ActivityHandlers> {
  /**
   * The activities whose arguments are told of, as a carrier takes them: those made by `defineActivity` with schemas
   * that can say their shape (zod from 4.2, arktype from 2.1.28, valibot through `toStandardJsonSchema`, and what else speaks
   * Standard JSON Schema or has `toJSONSchema`). Of an argument that cannot say it nothing is told. Default: those of the
   * carrier itself; `{}` tells names alone.
   */
  readonly schemasOf?: HandlersOf<Handlers> | undefined;
}

const OPTION_NAMES: OptionNames<ActivityManifestOptions> = {
  schemasOf: [(value) => typeof value === "object" && value !== null, "the handlers of the carrier"],
};

/**
 * Lets a carrier tell which activity types it serves, and what their arguments look like, to whoever its gate lets in:
 * `dw-carrier dev URL` and dispatchers of the local engine ask for it. It tells nothing else of the activities.
 *
 * ```ts
 * fetchInvocableActivityHandler(handlers, { auth: bearerToken(token), manifest: activityManifest() });
 * ```
 *
 * @throws {TypeError} for options that make no sense
 */
export function activityManifest<Handlers extends object>(
  options?: ActivityManifestOptions<Handlers>,
): ActivityManifest {
  const { schemasOf } = knownOptions(options as ActivityManifestOptions | undefined, OPTION_NAMES, "activityManifest");
  // Made when they are first asked for: a carrier that starts does without.
  const made = new WeakMap<object, ReadonlyMap<string, JsonObject>>();
  const schemasFor = (of: ActivityHandlers | InvocableHandler): ReadonlyMap<string, JsonObject> => {
    // What a handler says itself may change.
    if (isInvocableHandler(of) && of.inputSchemas !== undefined) return of.inputSchemas;
    const schemas = made.get(of) ?? inputSchemasOf(of);
    made.set(of, schemas);
    return schemas;
  };
  return ({ accept = "" }, handler) => {
    if (!accept.includes(ACTIVITY_MANIFEST_MEDIA_TYPE)) return undefined;
    return () => respond(200, manifestOf(handler, schemasFor(schemasOf ?? handler)), ACTIVITY_MANIFEST_MEDIA_TYPE);
  };
}
