import { isObject } from "@durable-workflow/engine-protocol";
import { describeNetworkError } from "../net/network-error.js";

/** A task that is about to be sent, for an authorizer to look at, or to sign. */
export interface AuthorizerRequest {
  /** Under which the authorizer was asked for. */
  readonly authRef: string;
  readonly method: "POST";
  /** Of the carrier; one of the authorizer's origins. */
  readonly url: URL;
  /** What is sent anyway, by names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Exactly what is sent, as UTF-8. */
  readonly body: string;
  /**
   * What this authorizer said for the try before, where the carrier refused that with 401 or 403: what it was made of must not
   * be taken from a cache. Undefined for a first try.
   */
  readonly refused: Authorization | undefined;
  /** Aborts when the delivery is called off, or its time is over. */
  readonly signal: AbortSignal;
}

/** What a carrier is shown. */
export interface Authorization {
  /** Headers to send, beside those of the request, which it cannot replace. */
  readonly headers: Readonly<Record<string, string>>;
  /** What of them must never be shown. Default: all values, and of `Bearer x` also x. */
  readonly secrets?: readonly string[];
}

/** Makes requests to carriers acceptable to what stands before them. Given to `createDispatcher` by `auth_ref`. */
export interface Authorizer {
  /**
   * Called for each try of a delivery; once more, with `refused`, when the carrier says 401 or 403. Must be fast: it takes time
   * from the task. A rejection is reported as a failure that may be retried, of the type `InvocableCarrierAuthUnavailable`.
   *
   * @throws {AuthorizerError} whose message is reported; of other errors only the name or code is
   */
  authorize(request: AuthorizerRequest): Promise<Authorization>;
  /**
   * Origins that it may be used for, as in `https://handlers.example.com`, beside those of the carriers that this machine's own
   * config uses it with. Needed where only the engine maps.
   */
  readonly origins?: readonly string[] | undefined;
}

/** An authorizer has nothing to show. The message is reported to the engine: it must hold no secret. */
export class AuthorizerError extends Error {
  override readonly name = "AuthorizerError";
}

/** What an authorizer decides nothing about: the task's own, and what frames a request. */
const NOT_ITS_OWN: ReadonlySet<string> = new Set([
  "accept",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "idempotency-key",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Why a header of this name is none for an authorizer to set; undefined for one that is. */
export function headerNameProblem(name: string): string | undefined {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return "is no name of a header";
  return NOT_ITS_OWN.has(name.toLowerCase()) ? "is set by the dispatcher itself" : undefined;
}

/** Whether a text can be sent as a header: visible ASCII and spaces within. */
export function isHeaderValue(value: string): boolean {
  return /^[\x21-\x7e]+(?: +[\x21-\x7e]+)*$/.test(value);
}

/**
 * What an authorizer says to a request, checked.
 *
 * @throws {AuthorizerError} which names the reference, for whatever went wrong
 */
export async function authorizationOf(
  authRef: string,
  authorizer: Authorizer,
  request: Omit<AuthorizerRequest, "authRef">,
): Promise<Required<Authorization>> {
  let said: Authorization;
  try {
    said = await authorizer.authorize({ ...request, authRef });
  } catch (error) {
    const isTold = error instanceof Error && error.name === "AuthorizerError";
    throw new AuthorizerError(
      `the authorizer ${authRef} failed: ${isTold ? error.message : describeNetworkError(error)}`,
    );
  }
  if (!isObject(said) || !isObject(said.headers)) {
    throw new AuthorizerError(`the authorizer ${authRef} failed: it gave no headers`);
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(said.headers)) {
    const problem = headerNameProblem(name);
    if (problem !== undefined) throw new AuthorizerError(`the authorizer ${authRef} failed: ${name} ${problem}`);
    if (typeof value !== "string" || !isHeaderValue(value)) {
      throw new AuthorizerError(`the authorizer ${authRef} failed: its ${name} holds characters that no header has`);
    }
    headers[name.toLowerCase()] = value;
  }
  return { headers, secrets: said.secrets ?? Object.values(headers).flatMap(secretsIn) };
}

function secretsIn(value: string): readonly string[] {
  const [, token] = /^[A-Za-z]+ +(\S+)$/.exec(value) ?? [];
  return token === undefined ? [value] : [value, token];
}
