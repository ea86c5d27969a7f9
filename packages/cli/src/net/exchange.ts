import { type Dispatcher, request as send } from "undici";
import { isBomb, unpacked } from "./unpack.js";

/** What is sent. */
export interface OutgoingRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as a bearer token, unless `headers` have another authorization. Where the answer echoes it, it is taken out. */
  readonly token?: string | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** For the whole exchange, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** The longest answer, in bytes, packed and unpacked. Default 16 MiB. */
  readonly limitBytes?: number;
  /** Whether an answer with a `content-encoding` is unpacked. Default false: it is the text that it is. */
  readonly unpack?: boolean;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  /** By lower-case name; repeated ones are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From the request to the end of the answer. */
  readonly elapsedMs: number;
}

/** Nothing came back, or only a part of it. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  /** `unreachable`: no connection; `timeout`; `cut_off`: a connection without a whole answer; `too_large`: more than the
   *  limit; `aborted`: by the caller. */
  readonly why: "unreachable" | "timeout" | "cut_off" | "too_large" | "aborted";

  constructor(why: NoAnswer["why"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

/** More than any answer of the contract: a payload of the server's limit in base64, and room. */
const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Sends one request exactly as it is given. Redirects are not followed, and nothing is retried. The answer is bounded:
 * by its time, from the request to its last byte, and by its size.
 *
 * @throws {NoAnswer} (as a rejection) when there is no whole answer
 */
export async function exchange(url: URL, outgoing: OutgoingRequest, dispatcher: Dispatcher): Promise<Answer> {
  const { method, headers, token, body, timeoutMs, signal, limitBytes = ANSWER_LIMIT_BYTES, unpack = false } = outgoing;
  const timeout = AbortSignal.timeout(timeoutMs);
  const started = performance.now();
  let connected = false;
  try {
    const response = await send(url, {
      method: method as "POST",
      headers: { ...bearer(token), ...headers },
      body: body ?? null,
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      headersTimeout: 0,
      bodyTimeout: 0,
      dispatcher,
    });
    connected = true;
    const received = await boundedBytes(response.body, limitBytes);
    const answered = singleHeaders(response.headers, token);
    const bytes = unpack ? await unpacked(received, answered["content-encoding"] ?? "", limitBytes) : received;
    return {
      status: response.statusCode,
      headers: answered,
      body: withoutToken(Buffer.from(bytes).toString("utf8"), token),
      elapsedMs: performance.now() - started,
    };
  } catch (error) {
    if (signal?.aborted === true) throw new NoAnswer("aborted", "interrupted", { cause: error });
    if (timeout.aborted) throw new NoAnswer("timeout", `no answer within ${timeoutMs / 1000} s`, { cause: error });
    if (error instanceof TooLarge || isBomb(error)) {
      throw new NoAnswer("too_large", tooLarge(limitBytes), { cause: error });
    }
    throw refusal(error, connected);
  }
}

/** `Connection: close` after the answer is not worth a word; a connection that ends before it is. */
const CUT_OFF = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE", "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"]);

export function tooLarge(limitBytes: number): string {
  return `the answer is larger than ${Math.round(limitBytes / 1024 / 1024)} MiB`;
}

/** Why a connection brought no answer. */
export function refusal(error: unknown, connected: boolean): NoAnswer {
  const code = codeOf(error);
  if (code.startsWith("HPE_")) return new NoAnswer("cut_off", `the answer is not HTTP (${code})`, { cause: error });
  if (connected || CUT_OFF.has(code)) {
    return new NoAnswer("cut_off", `the connection ended before the answer did (${code})`, { cause: error });
  }
  return new NoAnswer("unreachable", REASONS[code] ?? `no connection (${code})`, { cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there (ECONNREFUSED)",
  ENOTFOUND: "its host name is not known (ENOTFOUND)",
  EAI_AGAIN: "its host name could not be looked up (EAI_AGAIN)",
  UND_ERR_CONNECT_TIMEOUT: "no connection in time",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by an unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by an unknown authority",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host name",
};

/** Where a name has several addresses, Node reports all that it tried in one error. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code === "string") return code;
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : "unknown error";
}

class TooLarge extends Error {}

async function boundedBytes(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limitBytes) throw new TooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The header that a token is sent in. */
export function bearer(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Below that a token is as likely an ordinary word. */
const SHORTEST_TOKEN = 6;
const REDACTED = "[redacted]";

/**
 * Whoever shows a part of an answer may cut it in the middle of the token, which nobody recognises then. What is encoded
 * stays, as it would be no base64 without it; the writer looks for that (`CliIo.secrets`).
 */
export function withoutToken(text: string, token: string | undefined): string {
  if (token === undefined || token.length < SHORTEST_TOKEN) return text;
  return text.replaceAll(token, REDACTED).replaceAll(JSON.stringify(token).slice(1, -1), REDACTED);
}

function singleHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  token: string | undefined,
): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = withoutToken(Array.isArray(value) ? value.join(", ") : value, token);
  }
  return single;
}
