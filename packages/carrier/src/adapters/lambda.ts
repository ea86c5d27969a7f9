import type { HandleOptions } from "../activity/invocable-handler.js";
import { type InvocableHandlers, InvocableHttpEndpoint } from "../http/endpoint.js";
import { HTTP_OPTION_NAMES, type InvocableHttpOptions } from "../http/endpoint-options.js";
import type { InvocableHttpRequest, InvocableHttpResponse } from "../http/message.js";
import { EXTERNAL_TASK_INPUT_SCHEMA } from "../protocol/constants.js";
import { isObject, type JsonObject } from "../protocol/fields.js";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import type { InvocableResultEnvelope } from "../protocol/wire.js";

export interface LambdaInvocableOptions extends InvocableHttpOptions {
  /**
   * How long before Lambda would kill the function a running task is answered with a structured timeout, in
   * milliseconds. Default 500.
   */
  readonly timeoutMarginMs?: number;
  /**
   * Whether a bare envelope as the event passes an endpoint that has a gate. Such an event carries no headers to judge;
   * who may send one is decided by the function's IAM policy. Default false: it is refused like a request without
   * credentials.
   */
  readonly allowDirectInvocation?: boolean;
}

/** The part of Lambda's context that is used. */
export interface LambdaContextLike {
  getRemainingTimeInMillis?(): number;
}

/** The answer to an HTTP event, in the form that API Gateway (v1 and v2), Function URLs and load balancers all take. */
export interface LambdaHttpResult {
  readonly statusCode: number;
  /** Load balancers show it; others ignore it. */
  readonly statusDescription?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of `headers` where a load balancer asked for lists. */
  readonly multiValueHeaders?: Readonly<Record<string, string[]>>;
  /** UTF-8 text. */
  readonly body: string;
  readonly isBase64Encoded: false;
}

/** An HTTP answer to an HTTP event, the bare result envelope to a bare input envelope. */
export type LambdaResult = LambdaHttpResult | InvocableResultEnvelope;

/** A Lambda handler: no callback, as current runtimes want it. */
export type LambdaInvocableHandler = (event: unknown, context?: LambdaContextLike) => Promise<LambdaResult>;

const DEFAULT_MARGIN_MS = 500;

const LAMBDA_OPTION_NAMES: OptionNames<LambdaInvocableOptions> = {
  ...HTTP_OPTION_NAMES,
  timeoutMarginMs: true,
  allowDirectInvocation: true,
};

/**
 * A carrier as an AWS Lambda function. It takes events of API Gateway (REST and HTTP APIs), Function URLs and Application
 * Load Balancers, and a bare task input envelope of a direct invocation, which it answers with the bare result envelope.
 *
 * ```ts
 * export const handler = lambdaInvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` });
 * ```
 *
 * The function's remaining time, less a margin, is one more deadline. An event that is none of these gets the 400 answer.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function lambdaInvocableActivityHandler(
  handlers: InvocableHandlers,
  options?: LambdaInvocableOptions,
): LambdaInvocableHandler {
  const known = knownOptions(options, LAMBDA_OPTION_NAMES, "a Lambda carrier");
  const { timeoutMarginMs = DEFAULT_MARGIN_MS, allowDirectInvocation = false, ...httpOptions } = known;
  if (typeof allowDirectInvocation !== "boolean") throw new TypeError("allowDirectInvocation must be a boolean");
  if (!Number.isFinite(timeoutMarginMs) || timeoutMarginMs < 0) {
    throw new TypeError(`timeoutMarginMs must be a number >= 0, got ${String(timeoutMarginMs)}`);
  }
  const endpoint = new InvocableHttpEndpoint(handlers, httpOptions);
  return async (event, context) => {
    const left = context?.getRemainingTimeInMillis?.();
    const limits = { remainingMs: left === undefined ? undefined : left - timeoutMarginMs };
    const request = toRequest(event, limits);
    if (request !== undefined) return toResult(await endpoint.handle(request), event);
    const response =
      endpoint.guarded && !allowDirectInvocation
        ? await endpoint.handle(directRequest(event, limits))
        : await endpoint.answer(isObject(event) ? event : [], limits);
    return isBareEnvelope(event) && response.statusCode === 200
      ? (response.json() as InvocableResultEnvelope)
      : toResult(response, event);
  };
}

/**
 * {@link lambdaInvocableActivityHandler}, made, used once and dropped: for a function that does other things around it.
 *
 * @throws {TypeError} (as a rejection) for bad handlers or options
 */
export async function handleInvocableLambdaEvent(
  event: unknown,
  handlers: InvocableHandlers,
  { context, ...options }: LambdaInvocableOptions & { readonly context?: LambdaContextLike } = {},
): Promise<LambdaResult> {
  return lambdaInvocableActivityHandler(handlers, options)(event, context);
}

function isBareEnvelope(event: unknown): boolean {
  return isObject(event) && event["schema"] === EXTERNAL_TASK_INPUT_SCHEMA;
}

/** The request of an HTTP event; undefined for an event of another kind. */
function toRequest(event: unknown, limits: HandleOptions): InvocableHttpRequest | undefined {
  if (!isObject(event) || isBareEnvelope(event)) return undefined;
  const method = methodOf(event);
  if (method === undefined) return undefined;
  return { ...limits, method, headers: headersOf(event), body: () => Promise.resolve(bodyOf(event)) };
}

/** A direct invocation as the gate sees it: a POST without headers. */
function directRequest(event: unknown, limits: HandleOptions): InvocableHttpRequest {
  return { ...limits, method: "POST", headers: {}, body: () => Promise.resolve(isObject(event) ? event : "") };
}

/** REST APIs and load balancers name the method at the top; HTTP APIs and Function URLs in the request context. */
function methodOf(event: JsonObject): string | undefined {
  if (typeof event["httpMethod"] === "string") return event["httpMethod"];
  const { requestContext } = event;
  const http = isObject(requestContext) ? requestContext["http"] : undefined;
  if (isObject(http) && typeof http["method"] === "string") return http["method"];
  // What is left of an HTTP event in a hand-made test, or after another proxy: a body and its encoding.
  return typeof event["body"] === "string" && typeof event["isBase64Encoded"] === "boolean" ? "POST" : undefined;
}

/** Header names in any case, values single or in lists, by lower-case name. */
function headersOf(event: JsonObject): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const { multiValueHeaders, headers: single } = event;
  for (const [name, values] of Object.entries(isObject(multiValueHeaders) ? multiValueHeaders : {})) {
    if (!Array.isArray(values)) continue;
    const known = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = [...(known === undefined ? [] : [known]), ...(values as unknown[])].join(", ");
  }
  const inLists = new Set(Object.keys(headers));
  for (const [name, value] of Object.entries(isObject(single) ? single : {})) {
    if (typeof value !== "string" || inLists.has(name.toLowerCase())) continue;
    const known = headers[name.toLowerCase()];
    // Names that differ in case only are one header, sent twice.
    headers[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`;
  }
  return headers;
}

function bodyOf(event: JsonObject): Uint8Array | string {
  const { body, isBase64Encoded } = event;
  if (typeof body !== "string") return "";
  return isBase64Encoded === true ? fromBase64(body) : body;
}

/** Text that is no base64 becomes no bytes, which is answered as an empty body. */
function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array(0);
  }
}

function toResult({ statusCode, headers, body }: InvocableHttpResponse, event: unknown): LambdaHttpResult {
  const common = { statusCode, body, isBase64Encoded: false } as const;
  if (!isLoadBalancer(event)) return { ...common, headers };
  const statusDescription = `${statusCode} ${statusCode === 200 ? "OK" : "Refused"}`;
  // A load balancer that sends lists of values reads nothing else.
  return isObject(event["headers"])
    ? { ...common, statusDescription, headers }
    : { ...common, statusDescription, multiValueHeaders: asLists(headers) };
}

function isLoadBalancer(event: unknown): event is JsonObject {
  if (!isObject(event)) return false;
  const { requestContext } = event;
  return isObject(requestContext) && isObject(requestContext["elb"]);
}

function asLists(headers: Readonly<Record<string, string>>): Readonly<Record<string, string[]>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
}
