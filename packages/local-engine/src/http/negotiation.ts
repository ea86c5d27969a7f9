import type { IncomingHttpHeaders } from "node:http";
import {
  acceptsVersion,
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_FIELD,
  CONTROL_PLANE_VERSION_HEADER,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_FIELD,
  PROTOCOL_VERSION_HEADER,
} from "@durable-workflow/engine-protocol";
import { ReplyError } from "./call.js";

const [MAJOR, MINOR] = PROTOCOL_VERSION.split(".").map(Number) as [number, number];

/**
 * The version that a request speaks: of the same major, and a minor up to the own one.
 *
 * @throws {ReplyError} 400
 */
export function readProtocolVersion(headers: IncomingHttpHeaders): string {
  const requested = single(headers[PROTOCOL_VERSION_FIELD]);
  if (requested === undefined || requested === "") {
    throw new ReplyError(400, {
      error: "Missing worker protocol version header.",
      reason: "missing_protocol_version",
      supported_version: PROTOCOL_VERSION,
      requested_version: null,
      remediation: `Send the ${PROTOCOL_VERSION_HEADER}: ${PROTOCOL_VERSION} header on worker protocol requests.`,
    });
  }
  if (requested === PROTOCOL_VERSION || acceptsVersion(requested)) return requested;
  throw new ReplyError(400, {
    error: "Unsupported worker protocol version.",
    reason: "unsupported_protocol_version",
    supported_version: PROTOCOL_VERSION,
    requested_version: requested,
    remediation: `Worker requested protocol version ${requested}; this server supports ${PROTOCOL_VERSION}. Workers may target any ${MAJOR}.x version with x <= ${MINOR}. Upgrade the worker to a release that targets a compatible version, or connect to a server that matches.`,
  });
}

/** @throws {ReplyError} 400 */
export function checkControlPlaneVersion(headers: IncomingHttpHeaders): void {
  const requested = single(headers[CONTROL_PLANE_VERSION_FIELD]);
  if (requested === CONTROL_PLANE_VERSION) return;
  const isMissing = requested === undefined || requested === "";
  throw new ReplyError(400, {
    message: isMissing ? "Missing control-plane version header." : "Unsupported control-plane version.",
    reason: isMissing ? "missing_control_plane_version" : "unsupported_control_plane_version",
    supported_version: CONTROL_PLANE_VERSION,
    requested_version: isMissing ? null : requested,
    remediation: `Send the ${CONTROL_PLANE_VERSION_HEADER}: ${CONTROL_PLANE_VERSION} header on control-plane requests.`,
  });
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
