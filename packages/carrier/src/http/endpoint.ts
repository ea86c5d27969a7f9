import { InvocableActivityHandler, isInvocableActivityHandler } from "../activity/handler.js";
import type { HandleOptions, InvocableActivityHandlerOptions } from "../activity/handler-options.js";
import { guardLogger, type Logger, silentLogger } from "../activity/logger.js";
import type { ActivityHandlers } from "../activity/registry.js";
import { bytesToText } from "../payload/bytes.js";
import { isExternalTaskInputError } from "../protocol/errors.js";
import type { InvocableAuthGate } from "./auth.js";
import type {
  InvocableHttpRequest,
  InvocableHttpResponse,
  InvocableRequestBody,
  InvocableRequestHead,
} from "./message.js";
import { errorResponse, okResponse } from "./responses.js";

/** 8 MiB: four payloads at the server's default limit. */
export const DEFAULT_BODY_LIMIT_BYTES = 8 * 1024 * 1024;

export interface InvocableHttpOptions extends InvocableActivityHandlerOptions {
  /**
   * Who may send tasks. Default: everybody who can reach the endpoint, but no browser (requests that carry an `Origin`
   * header get 403). An endpoint that others can reach needs one.
   */
  readonly auth?: InvocableAuthGate;
  /**
   * The largest request body; a larger one gets 413. Counted in bytes, and where a platform hands over text (Lambda) in
   * UTF-16 code units. Default 8 MiB.
   */
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
      throw new TypeError("bodyLimitBytes must be an integer >= 1");
    }
    // An undefined secret must not open the door.
    if ("auth" in options && typeof auth !== "function") {
      throw new TypeError("auth must be a function, or be left out");
    }
    this.handler = toHandler(handlers, options);
    this.auth = auth;
    this.bodyLimitBytes = bodyLimitBytes;
    this.health = options.health ?? false;
    this.logger = options.logger === undefined ? silentLogger : guardLogger(options.logger);
  }

  /** Whether a gate guards this endpoint. */
  get guarded(): boolean {
    return this.auth !== undefined;
  }

  /**
   * Answers one request: 200 with a result envelope for every task that could be read, failures included; 400, 401, 403,
   * 405 or 413 with `{error, message}` otherwise. Never rejects.
   */
  async handle(request: InvocableHttpRequest): Promise<InvocableHttpResponse> {
    const { method, headers } = request;
    if (this.health && method === "GET") {
      return okResponse({ status: "ok", carrier: this.handler.carrier }, "application/json");
    }
    if (method !== "POST") {
      return errorResponse(405, "Only POST is allowed.", { allow: this.health ? "GET, POST" : "POST" });
    }
    const { auth } = this;
    if (auth === undefined) {
      if (headers["origin"] !== undefined) {
        return errorResponse(403, "Without authentication, an Origin header is refused.");
      }
    } else if (!(await this.passes(auth, { method, headers }))) {
      return errorResponse(401, "Credentials are needed.", { "www-authenticate": auth.challenge ?? "Bearer" });
    }
    let body: InvocableRequestBody | undefined;
    try {
      body = await request.body(this.bodyLimitBytes);
    } catch {
      return errorResponse(400, "The request body could not be read as UTF-8.");
    }
    return this.answer(body, request);
  }

  /** Answers a body whose sender is known to be welcome; undefined stands for one over the limit. Never rejects. */
  async answer(body: InvocableRequestBody | undefined, options?: HandleOptions): Promise<InvocableHttpResponse> {
    let document: unknown;
    if (
      body === undefined ||
      ((typeof body === "string" || body instanceof Uint8Array) && body.length > this.bodyLimitBytes)
    ) {
      return errorResponse(413, `The request body is over ${this.bodyLimitBytes} bytes.`);
    }
    try {
      const text = body instanceof Uint8Array ? bytesToText(body) : body;
      document = typeof text === "string" ? JSON.parse(text) : text;
    } catch {
      // The parser's own message quotes the body, which is not for everybody's eyes.
      return errorResponse(400, "The request body is not valid JSON in UTF-8.");
    }
    try {
      return okResponse(await this.handler.handle(document, options));
    } catch (error) {
      // Another error comes from getters of a document that was never JSON, or from an injected clock or logger.
      return errorResponse(400, isExternalTaskInputError(error) ? error.message : "The task could not be read.");
    }
  }

  private async passes(gate: InvocableAuthGate, head: InvocableRequestHead): Promise<boolean> {
    try {
      return (await gate(head)) === true;
    } catch {
      this.logger.error({}, "The authentication gate failed.");
      return false;
    }
  }
}

function toHandler(handlers: InvocableHandlers, options: InvocableActivityHandlerOptions): InvocableActivityHandler {
  return isInvocableActivityHandler(handlers) ? handlers : new InvocableActivityHandler(handlers, options);
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
