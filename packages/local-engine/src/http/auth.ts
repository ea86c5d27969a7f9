import { createHash, timingSafeEqual } from "node:crypto";
import type { TokenOptions } from "../options.js";
import { ReplyError, type Role } from "./call.js";

type Grant = Role | "everything";

/** Decides who a request comes from. */
export class Gate {
  /** Digests of the tokens, so that comparing takes the same time for all. */
  private readonly grants: readonly { readonly digest: Buffer; readonly grant: Grant }[];

  constructor({ token, workerToken, operatorToken, adminToken }: TokenOptions) {
    const hasRoles = workerToken !== undefined || operatorToken !== undefined || adminToken !== undefined;
    const all: readonly (readonly [string | undefined, Grant])[] = [
      [workerToken, "worker"],
      [operatorToken, "operator"],
      [adminToken, "admin"],
      [token, hasRoles ? "admin" : "everything"],
    ];
    this.grants = all.flatMap(([secret, grant]) => (secret === undefined ? [] : [{ digest: digestOf(secret), grant }]));
  }

  /** False: everybody may do everything. */
  get isLocked(): boolean {
    return this.grants.length > 0;
  }

  /** @throws {ReplyError} 401 without a known token, 403 for one of another role */
  admit(authorization: string | undefined, allowed: readonly Role[]): void {
    if (!this.isLocked) return;
    const grant = this.grantOf(authorization);
    if (grant === undefined) {
      throw new ReplyError(401, { reason: "unauthorized", message: "Invalid or missing authentication token." });
    }
    if (grant === "everything" || allowed.includes(grant)) return;
    throw new ReplyError(403, {
      reason: "forbidden",
      message: "Authenticated role is not allowed to access this endpoint.",
      role: grant,
      allowed_roles: allowed,
    });
  }

  private grantOf(authorization: string | undefined): Grant | undefined {
    const token = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return undefined;
    const digest = digestOf(token);
    return this.grants.find((candidate) => timingSafeEqual(candidate.digest, digest))?.grant;
  }
}

function digestOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

const LOOPBACK = /^(?:localhost|(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i;

/** Whether a host name or address, without port, is this machine's own. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * What an engine without tokens refuses: requests of web pages. A page's script can reach loopback addresses, by their
 * name or by a name of its own that resolves to them.
 *
 * @throws {ReplyError} 403
 */
export function refuseWebPages(origin: string | undefined, host: string | undefined): void {
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host ?? "")?.[1];
  if (origin === undefined && name !== undefined && isLoopback(name)) return;
  throw new ReplyError(403, {
    reason: "forbidden",
    message:
      "An engine without tokens answers neither requests of web pages nor those sent to a name that is not loopback: configure tokens, or call it by a loopback address.",
  });
}
