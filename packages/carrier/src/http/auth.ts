import type { InvocableRequestHead } from "./message.js";

/**
 * Decides, before the body is read, whether a request may pass. Anything but `true` is a no, and so is a gate that throws.
 */
export interface InvocableAuthGate {
  (request: InvocableRequestHead): boolean | Promise<boolean>;
  /** `WWW-Authenticate` of the 401. Default `Bearer`. */
  readonly challenge?: string;
}

/** One token, several (while one replaces another), or a function that looks them up for each request. */
export type BearerTokens =
  | string
  | readonly string[]
  | (() => string | readonly string[] | Promise<string | readonly string[]>);

const CHALLENGE = 'Bearer realm="invocable-carrier"';
/** RFC 6750, section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * A gate that wants `Authorization: Bearer TOKEN`. Tokens are compared in time that does not depend on how much of them
 * is right.
 *
 * ```ts
 * fetchInvocableActivityHandler(handlers, { auth: bearerToken([current, previous]) });
 * ```
 *
 * @throws {TypeError} when there is no token, or one that no header could carry; a function's tokens are checked when
 *   they are needed, and bad ones let nobody in
 */
export function bearerToken(tokens: BearerTokens): InvocableAuthGate {
  const fixed = typeof tokens === "function" ? undefined : checkedTokens(tokens);
  const gate = async ({ headers }: InvocableRequestHead): Promise<boolean> => {
    const presented = /^bearer +(\S+) *$/i.exec(headers["authorization"] ?? "")?.[1];
    if (presented === undefined) return false;
    const known = fixed ?? checkedTokens(await (tokens as Exclude<BearerTokens, string | readonly string[]>)());
    let matches = false;
    // Every token is compared, so that the time does not tell which one came close.
    for (const token of known) matches = sameText(presented, token) || matches;
    return matches;
  };
  return Object.assign(gate, { challenge: CHALLENGE });
}

function checkedTokens(tokens: string | readonly string[]): readonly string[] {
  const list = Array.isArray(tokens) ? [...tokens] : [tokens];
  if (list.length === 0) throw new TypeError("bearerToken needs at least one token");
  for (const token of list) {
    if (typeof token !== "string" || !TOKEN.test(token)) {
      throw new TypeError("bearerToken needs non-empty tokens of letters, digits and -._~+/= (RFC 6750)");
    }
  }
  return list;
}

/** Compares in time that depends on the length of what was presented, and on nothing else. */
function sameText(presented: string, secret: string): boolean {
  let difference = presented.length ^ secret.length;
  for (let index = 0; index < presented.length; index++) {
    difference |= presented.charCodeAt(index) ^ secret.charCodeAt(index % secret.length);
  }
  return difference === 0;
}
