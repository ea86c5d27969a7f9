import type { ActivityHandlers, HandlersOf } from "../activity/definition/registry.js";
import { isCallerDisconnected } from "../activity/errors.js";
import { InvocableActivityHandler, isOverloaded } from "../activity/handler.js";
import { type HandleOptions, type InvocableHandler, isInvocableHandler } from "../activity/invocable-handler.js";
import { readProperty } from "../activity/read-property.js";
import { bytesToText } from "../payload/bytes.js";
import { isExternalTaskInputError } from "../protocol/errors.js";
import { type AdmittedRequest, createAdmission } from "./admission.js";
import type { InvocableAuthGate } from "./auth.js";
import { bodyError, type InvocableBodyError } from "./body-error.js";
import {
  type EndpointSettings,
  handlerOptions,
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
/** What comes with a body: what a run may be told, and who prints its result. */
type RunOptions = HandleOptions & Pick<InvocableHttpRequest, "print">;

/** What a value takes of memory, once it was parsed. */
const JSON_VALUE_BYTES = 64;

/**
 * The HTTP contract of a carrier, free of any platform: one request in, one response out. Every adapter is two
 * conversions around it.
 */
export class InvocableHttpEndpoint<Handlers extends object = ActivityHandlers> {
  /** Whether a gate guards this endpoint. */
  readonly guarded: boolean;
  private readonly answers: Answers;

  /** @throws {TypeError} for bad handlers or options */
  constructor(handlers: InvocableHandlers<Handlers>, options?: InvocableHttpOptions) {
    const settings = resolveHttpOptions(options);
    this.guarded = settings.auth !== undefined;
    this.answers = createAnswers(toHandler(handlers, options), settings);
  }

  /**
   * Answers one request: 200 with a result envelope for every task that could be read, failures included; `{error, message}`
   * otherwise, with 400, 401, 403, 405, 413, 415, 500 where the platform kept the body, 502 where the handler itself failed,
   * or 503 where there is too much to do. Never rejects.
   */
  handle(request: InvocableHttpRequest): Promise<InvocableHttpResponse> {
    return this.answers.handle(request);
  }

  /** Answers a body whose sender is known to be welcome. Never rejects. */
  answer(body: InvocableRequestBody | undefined, options?: HandleOptions): Promise<InvocableHttpResponse> {
    return this.answers.answer(body, options);
  }
}

type Answers = Pick<InvocableHttpEndpoint, "handle" | "answer">;

function createAnswers(handler: InvocableHandler, settings: EndpointSettings): Answers {
  const { auth, bodyLimitBytes, health, manifest, logger } = settings;
  const enter = createAdmission(settings);
  let refusals = 0;

  function tooLarge(): InvocableHttpResponse {
    return errorResponse(413, `The request body is over ${bodyLimitBytes} bytes.`);
  }

  /** @param limit the option that says how much there may be at once */
  function overloaded(limit: CrowdLimit): InvocableHttpResponse {
    const message = `This carrier has too much to do at once (${limit}).`;
    // The 1st, 2nd, 4th, 8th, ... is told, so that a crowd does not flood the log.
    if (Number.isInteger(Math.log2(++refusals))) logger.warn({ limit, refusals }, message);
    return errorResponse(503, message, { "retry-after": "1" });
  }

  function answerHealth(method: string): InvocableHttpResponse {
    const { carrier, isShutDown = false } = handler;
    const document = { status: isShutDown ? "stopping" : "ok", carrier };
    return respond(isShutDown ? 503 : 200, method === "HEAD" ? undefined : document, "application/json");
  }

  async function passes(gate: InvocableAuthGate, head: InvocableRequestHead): Promise<boolean> {
    try {
      return (await gate(head)) === true;
    } catch {
      logger.error({}, "The auth gate failed.");
      return false;
    }
  }

  async function admit(
    headers: Headers,
    read: InvocableHttpRequest["body"],
    options: RunOptions | undefined,
  ): Promise<InvocableHttpResponse> {
    const admitted = enter();
    if (admitted === undefined) return overloaded("maxConcurrentTasks");
    try {
      return await run(headers, read, admitted, options);
    } finally {
      admitted.leave();
    }
  }

  async function run(
    headers: Headers,
    read: InvocableHttpRequest["body"],
    admitted: AdmittedRequest,
    options: RunOptions | undefined,
  ): Promise<InvocableHttpResponse> {
    // By the head already: nobody need wait for what will be refused.
    const announced = announcedLength(headers);
    let body: InvocableRequestBody | undefined;
    if (announced !== undefined && announced > bodyLimitBytes) return tooLarge();
    if (admitted.hasRoomFor(announced ?? 0)) {
      try {
        body = await read(bodyLimitBytes, admitted.take);
      } catch (error) {
        return withoutBody(bodyError(error), headers);
      }
    }
    if (body === undefined) return admitted.isFull ? overloaded("maxConcurrentBodyBytes") : tooLarge();
    let document: unknown;
    try {
      const size = sizeOf(body, announced);
      if (size > bodyLimitBytes) return tooLarge();
      let weight = size;
      document = body instanceof Uint8Array ? bytesToText(body) : body;
      if (typeof document === "string") {
        const values = weighJson(document);
        if (typeof values === "string") return errorResponse(400, `The request body ${values}.`);
        // No more than the largest body, which there may be room for.
        weight = Math.min(size + values * JSON_VALUE_BYTES, bodyLimitBytes);
      }
      if (!admitted.takeUpTo(weight)) return overloaded("maxConcurrentBodyBytes");
      if (typeof document === "string") document = JSON.parse(document);
    } catch {
      // Not in the words of the parser, which quotes the body, or of a getter of what was never JSON.
      return encodedBody(headers) ?? errorResponse(400, "The request body is no JSON in UTF-8.");
    }
    try {
      const result = await handler.handle(document, options);
      return isOverloaded(result) ? overloaded("maxArgumentValues") : okResponse(result, options?.print);
    } catch (error) {
      if (isExternalTaskInputError(error)) return errorResponse(400, error.message);
      return failed(error);
    }
  }

  function failed(error: unknown): InvocableHttpResponse {
    logger.error({ error: nameOfError(error) }, "The handler did not answer.");
    return errorResponse(502, "The handler did not answer.");
  }

  /** The body did not come. What a retry may mend gets a status that is retried. */
  function withoutBody({ problem, message, cause }: InvocableBodyError, headers: Headers): InvocableHttpResponse {
    if (problem === "not_utf8") return encodedBody(headers) ?? errorResponse(400, message);
    const reason = problem === "unreadable" ? `${message} (${nameOfError(cause)})` : message;
    if (!isCallerDisconnected(cause)) logger.error({ reason }, "The request body could not be read.");
    return errorResponse(problem === "too_large" ? 413 : 500, reason);
  }

  return {
    async handle(request) {
      const { method, headers } = request;
      const tell = method === "GET" && manifest?.(headers, handler);
      if (!tell && method !== "POST") {
        if (health && (method === "GET" || method === "HEAD")) return answerHealth(method);
        return errorResponse(405, "Only POST is allowed.", { allow: health ? "GET, HEAD, POST" : "POST" });
      }
      if (auth === undefined) {
        if (headers["origin"] !== undefined) {
          return errorResponse(403, "Without auth, an Origin header is refused.");
        }
      } else if (!(await passes(auth, { method, headers }))) {
        return errorResponse(401, "Credentials are needed.", { "www-authenticate": auth.challenge ?? "Bearer" });
      }
      if (!tell) return admit(headers, request.body, request);
      try {
        return tell();
      } catch (error) {
        return failed(error);
      }
    },
    answer: (body, options) => admit({}, async () => body ?? "", options),
  };
}

/** The `Content-Length`; undefined for none. */
function announcedLength(headers: Headers): number | undefined {
  const announced = headers["content-length"] ?? "";
  return /^\d{1,15}$/.test(announced) ? Number(announced) : undefined;
}

/**
 * Of a parsed document what the head says, else the length of its JSON.
 *
 * @throws {unknown} what the document does where it was never JSON
 */
function sizeOf(body: InvocableRequestBody, announced: number | undefined): number {
  if (typeof body === "string" || body instanceof Uint8Array) return body.length;
  return announced ?? JSON.stringify(body).length;
}

/** The name and the code of an error, which are words; its message may hold what nobody should read. */
function nameOfError(error: unknown): string {
  const words = ["name", "code"].map((property) => readProperty(error, property));
  return words.filter((word) => typeof word === "string" && /^\w{1,60}$/.test(word)).join(" ") || typeof error;
}

/** The answer to a body that cannot be read because it is compressed; undefined for one that does not say so. */
function encodedBody(headers: Headers): InvocableHttpResponse | undefined {
  const encoding = headers["content-encoding"] ?? "";
  if (/^\s*(?:identity)?\s*$/i.test(encoding)) return undefined;
  return errorResponse(415, "The request body has a Content-Encoding: send it without one.", {
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
