import type { ActivityHandlers, HandlersOf } from "../activity/definition/registry.js";
import type { JsonObject } from "../protocol/fields.js";
import { ACTIVITY_MANIFEST_MEDIA_TYPE, manifestOf } from "../protocol/manifest.js";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import type { ActivityManifest } from "./endpoint-options.js";
import { inputSchemasOf } from "./input-schemas.js";
import { respond } from "./responses.js";

export {
  ACTIVITY_MANIFEST_MEDIA_TYPE,
  ACTIVITY_MANIFEST_SCHEMA,
  ACTIVITY_MANIFEST_VERSION,
  type ActivityManifestDocument,
  manifestOf,
  readActivityManifest,
  readInputSchemas,
} from "../protocol/manifest.js";
export type { ActivityManifest } from "./endpoint-options.js";

/** Options of `activityManifest`. */
export interface ActivityManifestOptions<Handlers extends object = ActivityHandlers> {
  /**
   * The activities whose arguments are told of too, as the carrier takes them: those made by `defineActivity` with schemas
   * that can say their shape (zod from 4.2, arktype from 2.1.28, valibot through `toStandardJsonSchema`, and what else speaks
   * Standard JSON Schema or has `toJSONSchema`). Of an argument that cannot say it nothing is told. Default: names alone.
   */
  readonly schemasOf?: HandlersOf<Handlers> | undefined;
}

const OPTION_NAMES: OptionNames<ActivityManifestOptions> = {
  schemasOf: [(value) => typeof value === "object" && value !== null, "the handlers of the carrier"],
};

/**
 * Lets a carrier tell which activity types it serves, to whoever its gate lets in: `dw-carrier dev URL` asks for them. It
 * tells names, and nothing else of the activities, unless it is told to.
 *
 * ```ts
 * const manifest = activityManifest({ schemasOf: handlers });
 * fetchInvocableActivityHandler(handlers, { auth: bearerToken(token), manifest });
 * ```
 *
 * @throws {TypeError} for options that make no sense
 */
export function activityManifest<Handlers extends object>(
  options?: ActivityManifestOptions<Handlers>,
): ActivityManifest {
  const { schemasOf } = knownOptions(options as ActivityManifestOptions | undefined, OPTION_NAMES, "activityManifest");
  // Made when it is first asked for: a carrier that starts does without.
  let schemas: ReadonlyMap<string, JsonObject> | undefined;
  return ({ accept = "" }, handler) => {
    if (!accept.includes(ACTIVITY_MANIFEST_MEDIA_TYPE)) return undefined;
    if (schemasOf !== undefined) schemas ??= inputSchemasOf(schemasOf);
    return respond(200, manifestOf(handler, schemas), ACTIVITY_MANIFEST_MEDIA_TYPE);
  };
}
