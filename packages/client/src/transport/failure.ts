import type { TransportFailure } from "./transport.js";

/** Codes of Node's, Bun's and of the certificate checks of both. */
const NOT_SENT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket|ERR_TLS_CERT_ALTNAME_INVALID|CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)$/;
/** Deno has no codes, and says it in these words. */
const NOT_SENT_IN_WORDS = /client error \(Connect\)|dns error|invalid peer certificate/;

/** Whether an error says that the connection was never made. */
function neverArrived(error: unknown): boolean {
  const { code, cause, message, syscall } = error as Readonly<Record<string, unknown>>;
  if (syscall === "connect" || syscall === "getaddrinfo") return true;
  if (typeof code === "string" && NOT_SENT.test(code)) return true;
  if (typeof message === "string" && NOT_SENT_IN_WORDS.test(message)) return true;
  return typeof cause === "object" && cause !== null && neverArrived(cause);
}

/** What an error says, with what its cause says: `fetch failed` alone helps nobody. */
function messageOf(error: unknown): string {
  const { message, code, cause } = error as { message?: unknown; code?: unknown; cause?: unknown };
  if (typeof cause === "object" && cause !== null) return messageOf(cause);
  const said = typeof message === "string" && message !== "" ? message : "the request failed";
  return typeof code === "string" && !said.includes(code) ? `${said} (${code})` : said;
}

/**
 * What kept a request from being answered, in the words of a platform.
 *
 * @param Failure handed over, so that this part needs no other
 * @param isConnecting whether the connection did not stand yet
 */
export function failureOf(error: unknown, Failure: typeof TransportFailure, isConnecting = false): TransportFailure {
  const kind = isConnecting || neverArrived(error) ? "not_sent" : "lost";
  return new Failure(kind, messageOf(error), { cause: error });
}
