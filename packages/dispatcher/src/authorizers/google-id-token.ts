import { checkOptionNames, isObject } from "@durable-workflow/engine-protocol";
import { type Authorizer, AuthorizerError } from "../delivery/authorizer.js";
import { COMMON_NAMES, type CommonOptions, checkText, resolveCommon } from "./common.js";
import { tokenByKeyFile } from "./google-key-file.js";
import { tokenByMetadata } from "./google-metadata.js";
import { type Got, Kept } from "./kept.js";

export interface GoogleIdTokenOptions extends CommonOptions {
  /**
   * Whom the token is for. Default: the origin of the carrier's URL, as Cloud Run wants it; a service with an audience of its
   * own, and a function at `cloudfunctions.net` (whose URL has a path), want theirs.
   */
  readonly audience?: string | undefined;
  /** A service account's key in JSON. Default: the metadata server of the machine is asked (Compute Engine, GKE, Cloud Run). */
  readonly keyFile?: string | undefined;
  /**
   * Where the token goes. With `x-serverless-authorization` Cloud Run leaves `authorization` to the carrier's own gate.
   * Default `authorization`.
   */
  readonly header?: "authorization" | "x-serverless-authorization" | undefined;
}

/** Audiences that tokens are kept for; origins are few. */
const MOST_KEPT = 100;

/**
 * Google's ID tokens, for Cloud Run and Cloud Functions that are not public: whose they are needs the role
 * `roles/run.invoker`. A token is kept until five minutes before it ends, and is got anew when the carrier refuses it.
 * The metadata server is where `GCE_METADATA_HOST` says, else at `metadata.google.internal`.
 *
 * @throws {TypeError} naming an option that cannot be used
 */
export function googleIdToken(options: GoogleIdTokenOptions = {}): Authorizer {
  checkOptionNames("googleIdToken", options, { ...COMMON_NAMES, audience: true, keyFile: true, header: true });
  const { audience, keyFile, header = "authorization", origins } = options;
  checkText("audience", audience);
  checkText("keyFile", keyFile);
  if (header !== "authorization" && header !== "x-serverless-authorization") {
    throw new TypeError("header must be authorization or x-serverless-authorization");
  }
  const common = resolveCommon(options);
  const get = keyFile === undefined ? tokenByMetadata(common) : tokenByKeyFile(keyFile, common);
  const tokens = new Map<string, Kept<string>>();
  return {
    origins,
    async authorize({ url, refused }) {
      const target = audience ?? url.origin;
      let kept = tokens.get(target);
      if (kept === undefined) {
        kept = new Kept(common.clock, async () => readIdToken(await get(target)));
        if (tokens.size >= MOST_KEPT) tokens.clear();
        tokens.set(target, kept);
      }
      const token = await kept.current((value) => refused?.headers[header] === `Bearer ${value}`);
      return { headers: { [header]: `Bearer ${token}` }, secrets: [token] };
    },
  };
}

/** A JWT with the time it ends at; who takes it checks its signature. @throws {AuthorizerError} */
function readIdToken(text: string): Got<string> {
  const token = text.trim();
  const [, claims] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token) ?? [];
  let expires: unknown;
  try {
    const read: unknown = JSON.parse(Buffer.from(claims ?? "", "base64url").toString("utf8"));
    expires = isObject(read) ? read["exp"] : undefined;
  } catch {
    // Told below.
  }
  if (typeof expires !== "number") throw new AuthorizerError("what Google answered is no ID token");
  return { value: token, expiresAt: expires * 1000 };
}
