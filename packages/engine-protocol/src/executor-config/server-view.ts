import { entriesOf, fieldOf, listField, textField } from "../fields.js";
import { applyOverlay } from "./overlay.js";
import { isLoopbackHost, parseUrl } from "./target.js";

/** What a server does otherwise than a dispatcher with the same executor config. */
export interface ServerRemark {
  /** `refused`: no mapping of the file is active there, and tasks come without one. `ignored`: it goes on without it. */
  readonly effect: "refused" | "ignored";
  /** The server's name for it; null for what it does not say. */
  readonly code: string | null;
  /** Where, as in `carriers.web.retry_policy.retryable_status_codes`. */
  readonly path: string;
  readonly message: string;
}

/**
 * What a server refuses or passes over in a config, where a dispatcher does not: released servers were looked at, as of
 * protocol 1.15 and later. It assumes nothing of the document's shape.
 *
 * @param overlay the overlay that the server is given too; undefined for none
 */
export function serverRemarks(document: unknown, overlay?: string): readonly ServerRemark[] {
  const found = overlay === undefined ? document : (applyOverlay(document, overlay) ?? document);
  const carriers = entriesOf(fieldOf(found, "carriers"));
  const mappings = listField(found, "mappings");
  return [
    ...carriers.flatMap(([name, carrier]) => carrierRemarks(name, carrier)),
    ...mappings.flatMap((mapping, index) => mappingRemarks(found, mapping, `mappings[${index}]`)),
    ...duplicateRemarks(found, mappings),
  ];
}

function carrierRemarks(name: string, carrier: unknown): readonly ServerRemark[] {
  const type = fieldOf(carrier, "type");
  const path = `carriers.${name}`;
  if (type === undefined) {
    const message = "a carrier without a type is of no kind that a server resolves";
    return [{ effect: "refused", code: "invalid_carrier_target", path: `${path}.type`, message }];
  }
  if (type !== "invocable_http") return [];
  const codes = listField(fieldOf(carrier, "retry_policy"), "retryable_status_codes");
  if (codes.every((code) => Number.isInteger(code))) return [];
  return [
    {
      effect: "refused",
      code: "invalid_carrier_target",
      path: `${path}.retry_policy.retryable_status_codes`,
      message: `a server takes integers only: write ${SPELT_OUT} in place of "5xx"`,
    },
  ];
}

const SPELT_OUT = "500, 502, 503, 504";

function mappingRemarks(document: unknown, mapping: unknown, path: string): readonly ServerRemark[] {
  const remarks: ServerRemark[] = [];
  if (fieldOf(mapping, "timeout_seconds") !== undefined) {
    remarks.push({
      effect: "ignored",
      code: null,
      path: `${path}.timeout_seconds`,
      message: "a server hands out the timeout_seconds of the carrier: give it there, too",
    });
  }
  const carrier = fieldOf(fieldOf(document, "carriers"), textField(mapping, "carrier") ?? "");
  const url = parseUrl(textField(carrier, "url") ?? "");
  const authRef = textField(mapping, "auth_ref") ?? textField(fieldOf(document, "defaults"), "auth_ref");
  const isExempt = url?.protocol === "http:" && isLoopbackHost(url.hostname);
  const needsRef = fieldOf(carrier, "type") === "invocable_http" && url !== undefined && !isExempt;
  if (needsRef && authRef === undefined && isLoopbackHost(url.hostname)) {
    remarks.push({
      effect: "refused",
      code: "missing_invocable_auth_ref",
      path: `${path}.auth_ref`,
      message: "a server lets http on loopback alone do without an auth_ref, and this is https",
    });
  }
  return remarks;
}

function duplicateRemarks(document: unknown, mappings: readonly unknown[]): readonly ServerRemark[] {
  const seen = new Set<string>();
  return mappings.flatMap((mapping, index): readonly ServerRemark[] => {
    if (fieldOf(mapping, "kind") !== "activity") return [];
    const queue = textField(mapping, "task_queue") ?? textField(fieldOf(document, "defaults"), "task_queue");
    const type = textField(mapping, "activity_type");
    if (queue === undefined || type === undefined) return [];
    const key = JSON.stringify([queue, type]);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const message = `a server takes the first mapping of ${type} on ${queue}, and says nothing of this one`;
    return [{ effect: "ignored", code: null, path: `mappings[${index}]`, message }];
  });
}
