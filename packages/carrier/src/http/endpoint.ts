import {
  type HandleOptions,
  InvocableActivityHandler,
  type InvocableActivityHandlerOptions,
} from "../activity/handler.js";
import { type Logger, silentLogger } from "../activity/logger.js";
import type { ActivityHandlers } from "../activity/registry.js";
import { bytesToText } from "../payload/bytes.js";
import { isExternalTaskInputError } from "../protocol/errors.js";
import type { InvocableAuthGate } from "./auth.js";
import type { InvocableHttpRequest, InvocableHttpResponse, InvocableRequestBody } from "./message.js";
import {
  healthy,
  invalidRequest,
  methodNotAllowed,
  originRefused,
  resultResponse,
  tooLarge,
  unauthorized,
  unsupportedContentEncoding,
} from "./responses.js";

/** 8 MiB: four payloads at the server's default limit. */
export const DEFAULT_BODY_LIMIT_BYTES = 8 * 1024 * 1024;

export interface InvocableHttpOptions extends InvocableActivityHandlerOptions {
  /**
   * Who may send tasks. Default: everybody who can reach the endpoint, but no browser (requests that carry an `Origin`
   * header get 403). An endpoint that others can reach needs one.
   */
  readonly auth?: InvocableAuthGate;
  /** The largest request body, in bytes; a larger one gets 413. Default 8 MiB. */
  readonly bodyLimitBytes?: number;
  /** Whether GET answers `{"status":"ok","carrier":...}`, without asking the gate. Default false: 405. */
  readonly health?: boolean;
}

/** Handlers, or a handler already made of them, whose own options then count. */
export type InvocableHandlers = ActivityHandlers | InvocableActivityHandler;

/**
 * The HTTP contract of a carrier, free of any platform: one request in, one response out. Every adapter is two
 * conversions around it.
 */
export class InvocableHttpEndpoint {
  private readonly handler: InvocableActivityHandler;
  private readonly auth: InvocableAuthGate | undefined;
  private readonly bodyLimitBytes: number;
  private readonly health: boolean;
  private readonly logger: Logger;

  /** @throws {TypeError} for bad handlers or options */
  constructor(handlers: InvocableHandlers, options: InvocableHttpOptions = {}) {
    const { bodyLimitBytes = DEFAULT_BODY_LIMIT_BYTES, auth } = options;
    if (!Number.isSafeInteger(bodyLimitBytes) || bodyLimitBytes < 1) {
      throw new TypeError(`bodyLimitBytes must be an integer >= 1, got ${String(bodyLimitBytes)}`);
    }
    // An undefined secret must not open the door.
    if ("auth" in options && typeof auth !== "function") {
      throw new TypeError("auth must be a function, as bearerToken() returns; leave it out for no authentication");
    }
    this.handler = toHandler(handlers, options);
    this.auth = auth;
    this.bodyLimitBytes = bodyLimitBytes;
    this.health = options.health ?? false;
    this.logger = options.logger ?? silentLogger;
  }

  /** Whether a gate guards this endpoint. */
  get guarded(): boolean {
    return this.auth !== undefined;
  }

  /**
   * Answers one request: 200 with a result envelope for every task that could be read, failures included; 400, 401, 403,
   * 405, 413 or 415 with `{error, message}` otherwise. Never rejects.
   */
  async handle(request: InvocableHttpRequest): Promise<InvocableHttpResponse> {
    const refusal = await this.refusal(request);
    if (refusal !== undefined) return refusal;
    let body: InvocableRequestBody | undefined;
    try {
      body = await request.body(this.bodyLimitBytes);
    } catch {
      return invalidRequest("The request body could not be read to its end.");
    }
    if (body === undefined) return tooLarge(this.bodyLimitBytes);
    return this.answer(body, request);
  }

  /** Answers a body whose sender is known to be welcome. Never rejects. */
  async answer(body: InvocableRequestBody, options?: HandleOptions): Promise<InvocableHttpResponse> {
    let document: unknown = body;
    if (typeof body === "string" || body instanceof Uint8Array) {
      if (body.length > this.bodyLimitBytes) return tooLarge(this.bodyLimitBytes);
      const text = typeof body === "string" ? body : bytesToText(body);
      if (text === undefined) return invalidRequest("The request body is not valid UTF-8.");
      try {
        document = JSON.parse(text);
      } catch {
        // The parser's own message quotes the body, which is not for everybody's eyes.
        return invalidRequest(`The request body is ${text === "" ? "empty" : "not valid JSON"}.`);
      }
    }
    try {
      return resultResponse(await this.handler.handle(document, options));
    } catch (error) {
      if (isExternalTaskInputError(error)) return invalidRequest(error.message);
      throw error;
    }
  }

  /** The answer to a request that is not for us to serve, before its body is read. */
  private async refusal(request: InvocableHttpRequest): Promise<InvocableHttpResponse | undefined> {
    const { method, headers } = request;
    if (this.health && method === "GET") return healthy(this.handler.carrier);
    if (method !== "POST") return methodNotAllowed(this.health ? "GET, POST" : "POST");
    if (this.auth === undefined) {
      if (headers["origin"] !== undefined) return originRefused();
    } else if (!(await this.passes(this.auth, request))) {
      const challenge = this.auth.challenge ?? "Bearer";
      return unauthorized(headers["authorization"] === undefined ? challenge : `${challenge}, error="invalid_token"`);
    }
    const encoding = headers["content-encoding"];
    if (encoding !== undefined && encoding !== "" && encoding !== "identity") return unsupportedContentEncoding();
    if (Number(headers["content-length"] ?? 0) > this.bodyLimitBytes) return tooLarge(this.bodyLimitBytes);
    return undefined;
  }

  private async passes(gate: InvocableAuthGate, { method, headers }: InvocableHttpRequest): Promise<boolean> {
    try {
      return (await gate({ method, headers })) === true;
    } catch {
      this.logger.error({}, "The authentication gate failed; the request was refused.");
      return false;
    }
  }
}

function toHandler(handlers: InvocableHandlers, options: InvocableActivityHandlerOptions): InvocableActivityHandler {
  return handlers instanceof InvocableActivityHandler ? handlers : new InvocableActivityHandler(handlers, options);
}

/**
 * Answers the body of one request, for platforms that have no adapter here. It knows no method and no headers, so that it
 * neither authenticates nor refuses browsers: the caller does. Never rejects, once handlers and options are in order.
 *
 * @param body the raw body, its text, or the document parsed from it
 * @throws {TypeError} (as a rejection) for bad handlers or options
 */
export async function handleInvocableHttpRequest(
  body: InvocableRequestBody,
  handlers: InvocableHandlers,
  options: Omit<InvocableHttpOptions, "auth" | "health"> & HandleOptions = {},
): Promise<InvocableHttpResponse> {
  return new InvocableHttpEndpoint(handlers, options).answer(body, options);
}
