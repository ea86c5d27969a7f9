import { isPlainText } from "@durable-workflow/carrier/protocol";
import {
  NAMESPACE_FIELD,
  PATHS,
  PROTOCOL_VERSION_FIELD,
  parseJson,
  pathTo,
  textField,
} from "@durable-workflow/engine-protocol";
import {
  metadataOf,
  PAYLOAD_COMPLETION_HEADER,
  PAYLOAD_ERROR_BODY_BYTES,
  PAYLOAD_MEDIA_TYPE,
  type PayloadMetadata,
  payloadHeaders,
  type ReadPayloadError,
  type RuntimePayloadReference,
  readPayloadError,
  readUploadAnswer,
} from "@durable-workflow/engine-protocol/external-payloads";
import type { Dispatcher } from "undici";
import { excerpt, type RecordableBlob } from "../engine/recordable.js";
import { readRetryAfter } from "../engine/reply.js";
import { createAgent } from "../net/agents.js";
import { headerOf, readBoundedBody } from "../net/bounded-body.js";
import type { Proxies } from "../net/proxies.js";
import { unlessAborted } from "../net/unless-aborted.js";
import type { StopSignal } from "../time/call-off.js";
import { type Clock, timerDelay } from "../time/clock.js";
import { readVerifiedBody } from "./verified-body.js";

/** The engine has said that this payload will not be had, or not be taken, however often it is asked. */
export interface PayloadRefused {
  readonly kind: "refused";
  /** In the engine's words: `external_payload_not_found` and the like. */
  readonly reason: string;
  readonly message: string;
}

/** Nothing was decided: the same request may succeed later. */
export interface PayloadUnavailable {
  readonly kind: "unavailable";
  readonly why: string;
  readonly retryAfterMs: number | undefined;
  /** Whether the engine takes no uploads now but those for reports under a lease. */
  readonly drains: boolean;
}

export type FetchOutcome = { readonly kind: "fetched"; readonly bytes: Buffer } | PayloadRefused | PayloadUnavailable;
export type UploadOutcome =
  | { readonly kind: "uploaded"; readonly reference: RuntimePayloadReference }
  | PayloadRefused
  | PayloadUnavailable;

export interface ExchangeOptions {
  readonly serverUrl: string;
  readonly tlsVerify: boolean;
  /** Asked for each request; null sends none. */
  readonly token: () => string | null;
  readonly protocolVersion: () => string;
  readonly clock: Clock;
  /** Takes credentials out of what an error answer says. */
  readonly scrub: (text: string) => string;
  /** Default: none. */
  readonly proxies?: Proxies;
}

/** What holds for one request. */
export interface ExchangeLimits {
  /** For the whole request, answer included: bytes that drip in do not make it longer. */
  readonly timeoutMs: number;
  readonly signal: StopSignal;
}

interface Request {
  readonly namespace: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

const LONGEST_WHY = 200;
/** Of a proxy that does not let an upload through. */
const TOO_LARGE_FOR_PROXY = "something between this dispatcher and the engine finds it too large";

/** Fetches and uploads payloads that the engine keeps. Nothing here rejects: every answer, and every lack of one, is an outcome. */
export class PayloadExchange {
  private readonly options: ExchangeOptions;
  private readonly agent: Dispatcher;
  private readonly origin: string;
  private readonly basePath: string;

  constructor(options: ExchangeOptions) {
    this.options = options;
    const url = new URL(options.serverUrl);
    this.origin = url.origin;
    this.basePath = url.pathname.replace(/\/+$/, "");
    const connect = { rejectUnauthorized: options.tlsVerify, timeout: 10_000 };
    this.agent = createAgent(connect, options.proxies?.proxyFor(url));
  }

  /** The bytes of a reference: verified, and characters of base64. */
  async fetch(namespace: string, reference: RuntimePayloadReference, limits: ExchangeLimits): Promise<FetchOutcome> {
    const metadata = metadataOf(reference);
    const request: Request = {
      namespace,
      method: "GET",
      path: pathTo(PATHS.payload, { reference: reference.reference_id }),
      // A proxy that compressed it would have it measured and hashed in vain.
      headers: { accept: PAYLOAD_MEDIA_TYPE, "accept-encoding": "identity", ...payloadHeaders(metadata) },
    };
    return this.send(request, limits, async (response) => {
      if (response.statusCode !== 200) return this.refusal(response);
      const other = otherHeader(response.headers, metadata);
      if (other !== undefined) {
        response.body.on("error", () => undefined).destroy();
        return mismatch(`the engine answered with another payload: its ${other} is not the reference's`);
      }
      const read = await readVerifiedBody(response.body, metadata);
      if (read.problem === "cut_off") return unavailable("the payload was cut off");
      if (read.problem !== undefined) return mismatch(`what the engine keeps has another ${NAMES[read.problem]}`);
      return isPlainText(read.bytes)
        ? { kind: "fetched", bytes: read.bytes }
        : {
            kind: "refused",
            reason: "external_payload_unsupported",
            message: "what the engine keeps is no text of a payload",
          };
    });
  }

  /** @param completion which report it is for, as the header carries it; null where that is not said */
  async upload(
    namespace: string,
    { bytes, metadata, completion }: UploadedPayload,
    limits: ExchangeLimits,
  ): Promise<UploadOutcome> {
    const request: Request = {
      namespace,
      method: "POST",
      path: PATHS.payloads,
      headers: {
        accept: "application/json",
        "content-type": PAYLOAD_MEDIA_TYPE,
        ...payloadHeaders(metadata),
        ...(completion === null ? {} : { [PAYLOAD_COMPLETION_HEADER]: completion }),
      },
      body: bytes,
    };
    return this.send(request, limits, async (response) => {
      const { statusCode: status } = response;
      if (status < 200 || status >= 300) {
        const refusal = await this.refusal(response);
        return status === 413 && refusal.kind === "unavailable"
          ? { kind: "refused", reason: "external_payload_oversized", message: TOO_LARGE_FOR_PROXY }
          : refusal;
      }
      const encoding = headerOf(response.headers, "content-encoding");
      const read = await readBoundedBody(response.body, encoding, PAYLOAD_ERROR_BODY_BYTES);
      const answer = readUploadAnswer(read.problem === undefined ? parseJson(read.text) : undefined, metadata);
      return answer.reference === undefined
        ? unavailable("the engine's answer to the upload is not about what was uploaded")
        : { kind: "uploaded", reference: answer.reference };
    });
  }

  /** Ends the connections, those in use included. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private async send<Outcome>(
    { namespace, method, path, headers, body }: Request,
    { timeoutMs, signal }: ExchangeLimits,
    read: (response: Dispatcher.ResponseData) => Promise<Outcome>,
  ): Promise<Outcome | PayloadUnavailable> {
    const { clock, token, protocolVersion } = this.options;
    const abort = new AbortController();
    const forward = (): void => abort.abort();
    if (signal.aborted) forward();
    signal.addEventListener("abort", forward, { once: true });
    let timedOut = false;
    const cancelTimer = clock.schedule(timerDelay(timeoutMs), () => {
      timedOut = true;
      abort.abort();
    });
    const bearer = token();
    try {
      const request = this.agent.request({
        origin: this.origin,
        method,
        path: this.basePath + path,
        headers: {
          ...headers,
          [NAMESPACE_FIELD]: namespace,
          [PROTOCOL_VERSION_FIELD]: protocolVersion(),
          ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        },
        ...(body === undefined ? {} : { body }),
        headersTimeout: 0,
        bodyTimeout: 0,
        signal: abort.signal,
      });
      return await read(await unlessAborted(abort.signal, request));
    } catch (error) {
      if (timedOut) return unavailable("timeout");
      return unavailable(error instanceof Error && error.name === "AbortError" ? "aborted" : "unreachable");
    } finally {
      cancelTimer();
      signal.removeEventListener("abort", forward);
    }
  }

  /**
   * What an answer that is no success means. Final is what the engine says of the payload in its own terms, and nothing
   * else: a page of a proxy says nothing of it, and a token that is not known may be replaced meanwhile.
   */
  private async refusal(response: Dispatcher.ResponseData): Promise<PayloadRefused | PayloadUnavailable> {
    const { scrub, clock } = this.options;
    const { statusCode: status, headers } = response;
    const encoding = headerOf(headers, "content-encoding");
    const read = await readBoundedBody(response.body, encoding, PAYLOAD_ERROR_BODY_BYTES);
    const body = read.problem === undefined ? parseJson(read.text) : undefined;
    const said: ReadPayloadError | undefined = readPayloadError(body);
    const message = said === undefined || said.message === "" ? `status ${status}` : scrub(said.message);
    if (said !== undefined && !said.retryable && status !== 401 && status < 500) {
      return { kind: "refused", reason: said.reason, message: excerpt(message, LONGEST_WHY) };
    }
    const reason = textField(body, "reason");
    return {
      kind: "unavailable",
      why: reason === undefined ? `status ${status}` : `status ${status}: ${excerpt(scrub(reason), LONGEST_WHY)}`,
      retryAfterMs: readRetryAfter(headerOf(headers, "retry-after"), clock.now()),
      drains: status === 503 && reason === "storage_pressure" && textField(body, "storage_state") === "draining",
    };
  }
}

/** What is uploaded, and what is said of it. */
export interface UploadedPayload {
  readonly bytes: RecordableBlob;
  readonly metadata: PayloadMetadata;
  readonly completion: string | null;
}

const NAMES = { size: "size", sha256: "SHA-256" } as const;

function unavailable(why: string): PayloadUnavailable {
  return { kind: "unavailable", why, retryAfterMs: undefined, drains: false };
}

function mismatch(message: string): PayloadRefused {
  return { kind: "refused", reason: "external_payload_integrity_mismatch", message };
}

/**
 * The header that says another thing of the payload than its reference. One that is not there says nothing: what comes is
 * measured and hashed.
 */
function otherHeader(headers: Dispatcher.ResponseData["headers"], metadata: PayloadMetadata): string | undefined {
  const said = { ...payloadHeaders(metadata), "Content-Length": String(metadata.sizeBytes) };
  return Object.entries(said).find(([name, expected]) => {
    const found = headerOf(headers, name.toLowerCase())?.trim();
    return found !== undefined && found.toLowerCase() !== expected;
  })?.[0];
}
