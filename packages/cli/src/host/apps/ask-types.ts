import { ACTIVITY_MANIFEST_MEDIA_TYPE, readActivityManifest } from "@durable-workflow/carrier/manifest";
import { parseJson } from "@durable-workflow/engine-protocol";
import { NoAnswer } from "../../net/exchange.js";
import type { HttpClient } from "../../net/http-client.js";
import { CliError } from "../../shell/command.js";

const TIMEOUT_MS = 5_000;
const LARGEST_BYTES = 4 * 1024 * 1024;

/** What an app says when it is asked for its activity types. */
export type AppAnswer =
  | { readonly kind: "types"; readonly types: readonly string[] }
  | { readonly kind: "silent"; readonly why: string } // it answers, and does not tell
  | { readonly kind: "refused"; readonly why: string } // its gate wants another token
  | { readonly kind: "absent"; readonly why: string }; // it does not run, or not yet

/** Asks an app for its manifest, with one GET. */
export async function askTypes(
  { url, token }: { readonly url: URL; readonly token: string | undefined },
  http: HttpClient,
): Promise<AppAnswer> {
  try {
    const headers = { accept: ACTIVITY_MANIFEST_MEDIA_TYPE, "accept-encoding": "identity" };
    const request = { method: "GET", headers, token, timeoutMs: TIMEOUT_MS, limitBytes: LARGEST_BYTES };
    const { status, body } = await http.exchange(url, request);
    if (status === 401 || status === 403) return { kind: "refused", why: `it answers ${status}` };
    // A development server that is compiling, or whose code does not.
    if (status >= 500) return { kind: "absent", why: `it answers ${status}` };
    const types = status === 200 ? readActivityManifest(parseJson(body)) : undefined;
    if (types === undefined) return { kind: "silent", why: `it answers ${status} without a manifest` };
    return { kind: "types", types };
  } catch (error) {
    // A proxy of the environment that cannot be used keeps the app away as well.
    if (!(error instanceof NoAnswer || error instanceof CliError)) throw error;
    return { kind: "absent", why: error.message };
  }
}
