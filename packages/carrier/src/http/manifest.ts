import { ACTIVITY_MANIFEST_MEDIA_TYPE, manifestOf } from "../protocol/manifest.js";
import type { ActivityManifest } from "./endpoint-options.js";
import { respond } from "./responses.js";

export {
  ACTIVITY_MANIFEST_MEDIA_TYPE,
  ACTIVITY_MANIFEST_SCHEMA,
  ACTIVITY_MANIFEST_VERSION,
  type ActivityManifestDocument,
  manifestOf,
  readActivityManifest,
} from "../protocol/manifest.js";
export type { ActivityManifest } from "./endpoint-options.js";

/**
 * Lets a carrier tell which activity types it serves, to whoever its gate lets in: `dw-carrier dev URL` asks for them. It
 * tells names, and nothing else of the activities.
 *
 * ```ts
 * fetchInvocableActivityHandler(handlers, { auth: bearerToken(token), manifest: activityManifest() });
 * ```
 */
export function activityManifest(): ActivityManifest {
  return ({ accept = "" }, handler) =>
    accept.includes(ACTIVITY_MANIFEST_MEDIA_TYPE)
      ? respond(200, manifestOf(handler), ACTIVITY_MANIFEST_MEDIA_TYPE)
      : undefined;
}
