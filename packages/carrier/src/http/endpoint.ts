import type { ActivityHandlers, HandlersOf } from "../activity/definition/registry.js";
import { isCallerDisconnected } from "../activity/errors.js";
import { InvocableActivityHandler, isInvocableActivityHandler, isOverloaded } from "../activity/handler.js";
import type { InvocableActivityHandlerOptions } from "../activity/handler-options.js";
import { type HandleOptions, type InvocableHandler, isInvocableHandler } from "../activity/invocable-handler.js";
import { readThrown } from "../activity/thrown.js";
import { bytesToText } from "../payload/bytes.js";
import { isExternalTaskInputError } from "../protocol/errors.js";
import { recordableText } from "../protocol/recordable-text.js";
import { Admission, type AdmittedRequest } from "./admission.js";
import type { InvocableAuthGate } from "./auth.js";
import { bodyError } from "./body-error.js";
import {
  type AdapterOptions,
  type EndpointSettings,
  type InvocableHttpOptions,
  resolveHttpOptions,
} from "./endpoint-options.js";
import { weighJson } from "./json-shape.js";
import type {
  InvocableHttpRequest,
  InvocableHttpResponse,
  InvocableRequestBody,
  InvocableRequestHead,
} from "./message.js";
import { errorResponse, okResponse, respond } from "./responses.js";

/** Handlers by activity type, or what was made of them already, whose own options then count. */
export type InvocableHandlers<Handlers = ActivityHandlers> = HandlersOf<Handlers> | InvocableHandler;

type CrowdLimit = "maxConcurrentTasks" | "maxConcurrentBodyBytes" | "maxArgumentValues";
type Headers = InvocableRequestHead["headers"];

/** What a value takes of memory, once it was parsed. */
const JSON_VALUE_BYTES = 64;
const NO_HEADERS: Headers = Object.freeze({});

/**
 * The HTTP contract of a carrier, free of any platform: one request in, one response out. Every adapter is two
 * conversions around it.
 */
export class InvocableHttpEndpoint<Handlers extends object = ActivityHandlers> {
  private readonly handler: InvocableHandler;
  private readonly settings: EndpointSettings;
  private readonly admission: Admission;
  /** Refused since an admission last succeeded. */
  private refusals = 0;

  /** @throws {TypeError} for bad handlers or options */
  constructor(handlers: InvocableHandlers<Handlers>, options?: InvocableHttpOptions) {
    this.settings = resolveHttpOptions(options);
    this.handler = toHandler(handlers, options);
    const { maxConcurrentTasks, maxConcurrentBodyBytes } = this.settings;
    this.admission = new Admission({ tasks: maxConcurrentTasks, bodyBytes: maxConcurrentBodyBytes });
  }

  /** Whether a gate guards this endpoint. */
  get guarded(): boolean {
    return this.settings.auth !== undefined;
  }

  /**
   * Answers one request: 200 with a result envelope for every task that could be read, failures included; `{error, message}`
   * otherwise, with 400, 401, 403, 405, 413, 415, 500 where the platform kept the body, 502 where a handler of somebody else's failed,
   * or 503 where there is too much to do. Never rejects.
   */
  async handle(request: InvocableHttpRequest): Promise<InvocableHttpResponse> {
    const { method, headers } = request;
    const { auth, health, manifest } = this.settings;
    const asked = method === "GET" ? manifest?.(headers, this.handler) : undefined;
    if (asked === undefined && health && (method === "GET" || method === "HEAD")) return this.answerHealth(method);
    if (asked === undefined && method !== "POST") {
      return errorResponse(405, "Only POST is allowed.", { allow: health ? "GET, HEAD, POST" : "POST" });
    }
    if (auth === undefined) {
      if (headers["origin"] !== undefined) {
        return errorResponse(403, "Without authentication, an Origin header is refused.");
      }
    } else if (!(await this.passes(auth, { method, headers }))) {
      return errorResponse(401, "Credentials are needed.", { "www-authenticate": auth.challenge ?? "Bearer" });
    }
    if (asked !== undefined) return okResponse(asked.document, asked.mediaType);
    return this.admit((admitted) => this.read(request, admitted));
  }

  /** Answers a body whose sender is known to be welcome. Never rejects. */
  answer(body: InvocableRequestBody | undefined, options?: HandleOptions): Promise<InvocableHttpResponse> {
    return this.admit((admitted) => this.run(body ?? "", NO_HEADERS, admitted, options));
  }

  private async admit(
    next: (admitted: AdmittedRequest) => Promise<InvocableHttpResponse>,
  ): Promise<InvocableHttpResponse> {
    const admitted = this.admission.enter();
    if (admitted === undefined) return this.overloaded("maxConcurrentTasks");
    try {
      return await next(admitted);
    } finally {
      admitted.leave();
    }
  }

  private async read(request: InvocableHttpRequest, admitted: AdmittedRequest): Promise<InvocableHttpResponse> {
    const { headers } = request;
    const { bodyLimitBytes } = this.settings;
    // By the head already: nobody need wait for what will be refused.
    const announced = announcedLength(headers) ?? 0;
    if (announced > bodyLimitBytes) return this.tooLarge();
    if (!admitted.hasRoomFor(announced)) return this.overloaded("maxConcurrentBodyBytes");
    let isCrowded = false;
    let body: InvocableRequestBody | undefined;
    try {
      body = await request.body(bodyLimitBytes, (bytes) => {
        const hasRoom = admitted.take(bytes);
        if (!hasRoom) isCrowded = true;
        return hasRoom;
      });
    } catch (error) {
      return this.withoutBody(error, headers);
    }
    if (body === undefined) return isCrowded ? this.overloaded("maxConcurrentBodyBytes") : this.tooLarge();
    return this.run(body, headers, admitted, request);
  }

  private async run(
    body: InvocableRequestBody,
    headers: Headers,
    admitted: AdmittedRequest,
    options?: HandleOptions,
  ): Promise<InvocableHttpResponse> {
    let document: unknown;
    try {
      const size = sizeOf(body, headers);
      if (size > this.settings.bodyLimitBytes) return this.tooLarge();
      if (!admitted.takeUpTo(size)) return this.overloaded("maxConcurrentBodyBytes");
      const text = body instanceof Uint8Array ? bytesToText(body) : body;
      if (typeof text === "string") {
        const values = weighJson(text);
        if (typeof values === "string") return errorResponse(400, `The request body ${values}.`);
        // No more than the largest body, which there may be room for.
        const weight = Math.min(size + values * JSON_VALUE_BYTES, this.settings.bodyLimitBytes);
        if (!admitted.takeUpTo(weight)) return this.overloaded("maxConcurrentBodyBytes");
      }
      document = typeof text === "string" ? JSON.parse(text) : text;
    } catch {
      // The parser's own message quotes the body, which is not for everybody's eyes.
      return encodedBody(headers) ?? errorResponse(400, "The request body is not valid JSON in UTF-8.");
    }
    try {
      const result = await this.handler.handle(document, options);
      return isOverloaded(result) ? this.overloaded("maxArgumentValues") : okResponse(result);
    } catch (error) {
      if (isExternalTaskInputError(error)) return errorResponse(400, error.message);
      // Getters of a document that was never JSON, or an injected clock or logger.
      if (isInvocableActivityHandler(this.handler)) return errorResponse(400, "The task could not be read.");
      this.settings.logger.error({ error: nameOfError(error) }, "A handler failed to answer a task.");
      return errorResponse(502, "The handler did not answer the task.");
    }
  }

  private answerHealth(method: string): InvocableHttpResponse {
    const { carrier, isShutDown = false } = this.handler;
    const document = { status: isShutDown ? "stopping" : "ok", carrier };
    return respond(isShutDown ? 503 : 200, method === "HEAD" ? undefined : document, "application/json");
  }

  /** The body did not come. What a retry may mend gets a status that is retried. */
  private withoutBody(error: unknown, headers: Headers): InvocableHttpResponse {
    const { problem, message, cause } = bodyError(error);
    switch (problem) {
      case "not_utf8":
        return encodedBody(headers) ?? errorResponse(400, message);
      case "too_large":
        this.tellOfBody(message);
        return errorResponse(413, message);
      case "consumed":
        this.tellOfBody(message);
        return errorResponse(500, message);
      case "unreadable": {
        const reason = `${message} (${nameOfError(cause)})`;
        if (!isCallerDisconnected(cause)) this.tellOfBody(reason);
        return errorResponse(500, reason);
      }
    }
  }

  private tellOfBody(reason: string): void {
    this.settings.logger.error({ reason }, "A task was refused: its request's body did not reach the adapter.");
  }

  private tooLarge(): InvocableHttpResponse {
    return errorResponse(413, `The request body is over ${this.settings.bodyLimitBytes} bytes.`);
  }

  /** @param limit the option that says how much there may be at once */
  private overloaded(limit: CrowdLimit): InvocableHttpResponse {
    // The 1st, 2nd, 4th, 8th, ... is told, so that a crowd does not flood the log.
    if (Number.isInteger(Math.log2(++this.refusals))) {
      this.settings.logger.warn(
        { limit, refusals: this.refusals },
        "Tasks are refused: there is too much to do at once.",
      );
    }
    return errorResponse(503, `This carrier has too much to do at once (${limit}).`, { "retry-after": "1" });
  }

  private async passes(gate: InvocableAuthGate, head: InvocableRequestHead): Promise<boolean> {
    try {
      return (await gate(head)) === true;
    } catch {
      this.settings.logger.error({}, "The authentication gate failed.");
      return false;
    }
  }
}

/** The `Content-Length`; undefined for none. */
function announcedLength(headers: Headers): number | undefined {
  const announced = headers["content-length"];
  return announced !== undefined && /^\d{1,15}$/.test(announced) ? Number(announced) : undefined;
}

/** Of a parsed document what the head says, else the length of its JSON. */
function sizeOf(body: InvocableRequestBody, headers: Headers): number {
  if (typeof body === "string" || body instanceof Uint8Array) return body.length;
  const announced = announcedLength(headers);
  if (announced !== undefined) return announced;
  try {
    return JSON.stringify(body).length;
  } catch {
    // It was never JSON; whoever reads it will say so.
    return 0;
  }
}

/** The name and the code of an error, which are words; its message may hold what nobody should read. */
function nameOfError(error: unknown): string {
  const { type } = readThrown(error, false);
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  const words = [type, code].filter((word) => typeof word === "string" && /^\w{1,60}$/.test(word));
  return words.length === 0 ? typeof error : words.join(" ");
}

/** The answer to a body that cannot be read because it is compressed; undefined for one that does not say so. */
function encodedBody(headers: Headers): InvocableHttpResponse | undefined {
  const encoding = headers["content-encoding"];
  if (encoding === undefined || /^\s*(?:identity)?\s*$/i.test(encoding)) return undefined;
  const named = JSON.stringify(recordableText(encoding, 40));
  return errorResponse(415, `The request body has the Content-Encoding ${named}: send it without one.`, {
    "accept-encoding": "identity",
  });
}

/**
 * What runs the tasks of an endpoint.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function toHandler(handlers: InvocableHandlers, options: InvocableHttpOptions | undefined): InvocableHandler {
  if (isInvocableHandler(handlers)) return handlers;
  return new InvocableActivityHandler(handlers, handlerOptions(options));
}

/** The part of the options that is the handler's. */
function handlerOptions(options: AdapterOptions<readonly unknown[]> = {}): InvocableActivityHandlerOptions {
  const {
    auth: _,
    bodyLimitBytes: _b,
    maxConcurrentTasks: _t,
    maxConcurrentBodyBytes: _m,
    health: _h,
    manifest: _a,
    platform: _p,
    ...rest
  } = options;
  return rest;
}

/**
 * Answers the body of one request, for platforms that have no adapter here. It knows no method and no headers, so that it
 * neither authenticates nor refuses browsers: the caller does. Never rejects, once handlers and options are in order.
 *
 * @param body the raw body, its text, or the document parsed from it; nothing at all is answered with 400
 * @throws {TypeError} (as a rejection) for bad handlers or options
 */
export async function handleInvocableHttpRequest<Handlers extends object>(
  body: InvocableRequestBody | undefined,
  handlers: InvocableHandlers<Handlers>,
  options: Omit<InvocableHttpOptions, "auth" | "health" | "manifest"> & HandleOptions = {},
): Promise<InvocableHttpResponse> {
  const { signal, remainingMs, ...rest } = options;
  return new InvocableHttpEndpoint(handlers, rest).answer(body, { signal, remainingMs });
}
