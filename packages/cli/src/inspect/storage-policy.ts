import {
  ExternalPayloadStoragePolicy,
  isExternalPayloadStoragePolicyError,
  type JsonObject,
} from "@durable-workflow/carrier/protocol";
import { shownUrl } from "../net/shown-url.js";
import { facts, type Inspection, inspection } from "./inspection.js";

/** A namespace's policy for large payloads. */
export function inspectStoragePolicy(document: JsonObject): Inspection {
  const title = "a namespace's storage policy";
  if (document["external_payload_storage"] === null) {
    return inspection({ kind: "storage_policy", title, notes: ["the namespace keeps every payload in its envelopes"] });
  }
  try {
    const { enabled, driver, thresholdBytes, config, reference, prefix } = ExternalPayloadStoragePolicy.parse(document);
    return inspection({
      kind: "storage_policy",
      title,
      facts: facts(
        ["enabled", enabled],
        ["driver", driver],
        ["threshold", thresholdBytes === null ? undefined : `${thresholdBytes} bytes`],
        [
          "place",
          (typeof config.uri === "string" ? shownUrl(config.uri) : undefined) ??
            config.bucket ??
            config.container ??
            reference,
        ],
        ["prefix", config.prefix ?? prefix],
      ),
    });
  } catch (error) {
    if (!isExternalPayloadStoragePolicyError(error)) throw error;
    const violation = { path: error.path, message: error.message.slice(error.message.indexOf("must be ")), code: null };
    return inspection({ kind: "storage_policy", title, violations: [violation] });
  }
}
