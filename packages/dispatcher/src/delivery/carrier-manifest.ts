import {
  ACTIVITY_MANIFEST_MEDIA_TYPE,
  type JsonObject,
  readActivityManifest,
  readInputSchemas,
} from "@durable-workflow/carrier/protocol";
import { parseJson } from "@durable-workflow/engine-protocol";
import type { HttpCarrier } from "@durable-workflow/engine-protocol/executor-config";
import { BoundedRequest } from "../net/bounded-request.js";
import type { NetworkGuard } from "../net/guard.js";
import type { Proxies } from "../net/proxies.js";
import { unlessAborted } from "../net/unless-aborted.js";
import type { CallOff } from "../time/call-off.js";
import type { Credential } from "./credentials.js";
import type { HttpAgents } from "./http-agents.js";

/** As much as a manifest of many activities may be. */
const LARGEST_BYTES = 4 * 1024 * 1024;

export interface ManifestRequest {
  readonly carrier: HttpCarrier;
  readonly credential: Credential;
  /** Calls it off. */
  readonly abort: CallOff;
}

/**
 * Asks a carrier for its manifest, as `dw-carrier dev URL` does: with one GET, and the credential that its tasks come with.
 *
 * @returns what it says of arguments, by activity type; undefined for one that tells nothing, or wants what an authorizer makes of
 *   the body of a task
 * @throws (as a rejection) what undici and the guard do, and an `AbortError` once it was called off
 */
export async function askInputSchemas(
  { carrier, credential, abort }: ManifestRequest,
  {
    guard,
    agents,
    proxies,
  }: { readonly guard: NetworkGuard; readonly agents: HttpAgents; readonly proxies?: Proxies | undefined },
): Promise<ReadonlyMap<string, JsonObject> | undefined> {
  if (credential.type === "authorized") return undefined;
  const url = new URL(carrier.url);
  const proxy = proxies?.proxyFor(url);
  if (proxy === undefined) guard.checkUrl(url);
  else await unlessAborted(abort, guard.checkBehindProxy(url));
  const headers = ["accept", ACTIVITY_MANIFEST_MEDIA_TYPE];
  if (credential.type === "bearer") headers.push("authorization", `Bearer ${credential.token}`);
  const request = new BoundedRequest({ limitBytes: LARGEST_BYTES });
  if (abort.aborted) request.callOff();
  else abort.addEventListener("abort", () => request.callOff());
  const { head, read } = await request.send(agents.for(credential, proxy), {
    origin: url.origin,
    path: url.pathname + url.search,
    method: "GET",
    headers,
  });
  if (head.status !== 200 || read.bytes === undefined) return undefined;
  const manifest: unknown = parseJson(read.bytes.toString());
  // What answers a GET may be anything.
  return readActivityManifest(manifest) === undefined ? undefined : readInputSchemas(manifest);
}
