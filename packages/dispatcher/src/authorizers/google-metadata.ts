import { parseUrl } from "@durable-workflow/engine-protocol/executor-config";
import { AuthorizerError } from "../delivery/authorizer.js";
import type { ResolvedCommon } from "./common.js";
import { exchange } from "./exchange.js";

const HOST = "metadata.google.internal";
const PATH = "/computeMetadata/v1/instance/service-accounts/default/identity";
/** Sent, and to be answered: what else is at that address says so by leaving it out. */
const FLAVOR = "metadata-flavor";

/**
 * ID tokens of the machine's own service account, from the metadata server. No proxy is used, as it is on the machine. Source:
 * cloud.google.com/compute/docs/instances/verifying-instance-identity.
 */
export function tokenByMetadata({ environment, clock }: ResolvedCommon): (audience: string) => Promise<string> {
  return async (audience) => {
    const host = (environment["GCE_METADATA_HOST"] ?? "").trim();
    const url = parseUrl(`http://${host === "" ? HOST : host}${PATH}`);
    if (url === undefined) throw new AuthorizerError("GCE_METADATA_HOST is no host");
    url.searchParams.set("audience", audience);
    url.searchParams.set("format", "full");
    const who = "the metadata server of Google Cloud";
    const { status, text, header } = await exchange(url, {
      who,
      method: "GET",
      headers: { [FLAVOR]: "Google" },
      clock,
    });
    if (header(FLAVOR) !== "Google") throw new AuthorizerError(`what answered ${status} is not ${who}`);
    if (status !== 200) throw new AuthorizerError(`${who} answered ${status}`);
    return text;
  };
}
