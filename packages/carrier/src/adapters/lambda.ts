import { platformBytes } from "#bytes";
import { createAdapter } from "../http/adapter.js";
import { utf8Length, withinLimit } from "../http/answer-limit.js";
import type { InvocableHandlers } from "../http/endpoint.js";
import { type AdapterOptions, HTTP_OPTION_NAMES } from "../http/endpoint-options.js";
import type { InvocableHttpResponse, InvocableRequestBody } from "../http/message.js";
import { base64ByteLength } from "../payload/bytes.js";
import { EXTERNAL_TASK_INPUT_SCHEMA } from "../protocol/constants.js";
import { isObject } from "../protocol/fields.js";
import { BOOLEAN, knownOptions, type OptionNames } from "../protocol/options.js";
import type { ExternalTaskInputEnvelope, InvocableResultEnvelope } from "../protocol/wire.js";

/** Options of the adapter for AWS Lambda. */
export interface LambdaInvocableOptions extends AdapterOptions<[event: unknown, context: unknown]> {
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

/** The answer to an HTTP event, in the form that API Gateway (v1 and v2), Function URLs, load balancers and VPC Lattice all take. */
export interface LambdaHttpResult {
  readonly statusCode: number;
  /** Load balancers show it; others ignore it. */
  readonly statusDescription?: string;
  readonly headers?: Record<string, string>;
  /** In place of `headers` where a load balancer asked for lists. */
  readonly multiValueHeaders?: Record<string, string[]>;
  /** UTF-8 text. */
  readonly body: string;
  readonly isBase64Encoded: false;
}

/** An HTTP answer to an HTTP event, the bare result envelope to a bare input envelope. */
export type LambdaResult = LambdaHttpResult | InvocableResultEnvelope;

/** An event of a service that speaks HTTP: Netlify's, as some that are made by hand, has no request context. */
export type LambdaHttpEvent = { readonly requestContext: object } | { readonly httpMethod: string };

/**
 * A Lambda handler, of the types that `@types/aws-lambda` has for services that speak HTTP: no callback, as current runtimes
 * want it.
 */
export interface LambdaInvocableHandler {
  (event: ExternalTaskInputEnvelope, context?: LambdaContextLike): Promise<InvocableResultEnvelope>;
  (event: LambdaHttpEvent, context?: LambdaContextLike): Promise<LambdaHttpResult>;
  (event: unknown, context?: LambdaContextLike): Promise<LambdaResult>;
}

const DEFAULT_MARGIN_MS = 500;
/** What an invocation that is waited for may answer: 6 MB, as a JSON document. https://docs.aws.amazon.com/lambda: quotas. */
const MOST_ANSWER_BYTES = 6 * 1024 * 1024;
/** What a load balancer takes of a function, headers included. */
const MOST_BALANCED_BYTES = 1024 * 1024;
/** Room for all of an answer that is not its body. */
const HEAD_BYTES = 4096;

const LAMBDA_OPTION_NAMES: OptionNames<LambdaInvocableOptions> = {
  ...HTTP_OPTION_NAMES,
  timeoutMarginMs: [(value) => Number.isFinite(value) && (value as number) >= 0, "a number >= 0"],
  allowDirectInvocation: BOOLEAN,
};

/**
 * A carrier as an AWS Lambda function. It takes events of API Gateway (REST and HTTP APIs), Function URLs, Application
 * Load Balancers and VPC Lattice, and a bare task input envelope of a direct invocation, which it answers with the bare result envelope.
 *
 * ```ts
 * export const handler = lambdaInvocableActivityHandler({ greet: (name: string) => `Hello, ${name}` });
 * ```
 *
 * The function's remaining time, less a margin, is one more deadline. A result that is over what Lambda carries (6 MB, 1 MB
 * behind a load balancer) is answered as a failure that says so. Events of queues, streams, buses and other services that are
 * no callers are refused by an error, so that AWS keeps them or sends them on to where failures go; what else is no task
 * gets the 400 answer.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function lambdaInvocableActivityHandler<Handlers extends object>(
  handlers: InvocableHandlers<Handlers>,
  options?: LambdaInvocableOptions,
): LambdaInvocableHandler {
  const known = knownOptions(options, LAMBDA_OPTION_NAMES, "a Lambda carrier");
  const { timeoutMarginMs = DEFAULT_MARGIN_MS, allowDirectInvocation = false, ...httpOptions } = known;
  const { endpoint, valuesOf } = createAdapter(handlers, httpOptions);
  const invoke = async (event: unknown, context?: LambdaContextLike): Promise<LambdaResult> => {
    const left = context?.getRemainingTimeInMillis?.();
    const given = {
      remainingMs: left === undefined ? undefined : left - timeoutMarginMs,
      values: valuesOf([event, context]),
    };
    const document = (isObject(event) ? event : []) as EventLike & object;
    const isBare = isObject(event) && event["schema"] === EXTERNAL_TASK_INPUT_SCHEMA;
    if (!isBare) {
      const method = methodOf(document);
      if (method !== undefined) {
        const headers = headersOf(document);
        const body = async (limitBytes: number) => bodyOf(document, limitBytes);
        return toResult(await endpoint.handle({ ...given, method, headers, body }), document);
      }
      refuseServiceEvent(event);
    }
    const response =
      endpoint.guarded && !allowDirectInvocation
        ? // As the gate sees it: a POST without headers.
          await endpoint.handle({ ...given, method: "POST", headers: {}, body: async () => document })
        : await endpoint.answer(document, given);
    if (!isBare || response.statusCode !== 200) return toResult(response, document);
    const limit = { platform: "AWS Lambda", bytes: MOST_ANSWER_BYTES, sizeOf: utf8Length };
    return (await withinLimit(response, limit)).json() as InvocableResultEnvelope;
  };
  return invoke as LambdaInvocableHandler;
}

/**
 * {@link lambdaInvocableActivityHandler}, made, used once and dropped: for a function that does other things around it.
 *
 * @throws {TypeError} (as a rejection) for bad handlers or options
 */
export async function handleInvocableLambdaEvent<Handlers extends object>(
  event: unknown,
  handlers: InvocableHandlers<Handlers>,
  { context, ...options }: LambdaInvocableOptions & { readonly context?: LambdaContextLike } = {},
): Promise<LambdaResult> {
  return lambdaInvocableActivityHandler(handlers, options)(event, context);
}

/** Fields that events of services have which call a function with what nobody waits for. */
const SERVICE_MARKS = [
  "Records",
  "records",
  "eventSource",
  "detail-type",
  "awslogs",
  "deliveryStreamArn",
  "triggerSource",
];

/**
 * An answer would tell AWS that what a queue, a stream or a bus brought was done.
 *
 * @throws {TypeError} for an event of such a service
 */
function refuseServiceEvent(event: unknown): void {
  const mark = serviceMark(event);
  if (mark === undefined) return;
  throw new TypeError(
    `This carrier takes tasks over HTTP or as a bare envelope, and no event with ${JSON.stringify(mark)}.`,
  );
}

/** The field by which an event is known for one of such a service. */
function serviceMark(event: unknown): string | undefined {
  // Pipes send lists of records.
  const first: unknown = Array.isArray(event) ? event[0] : event;
  return isObject(first) ? SERVICE_MARKS.find((name) => Object.hasOwn(first, name)) : undefined;
}

/** What is looked at of an HTTP event: any JSON. */
interface EventLike {
  readonly httpMethod?: unknown;
  readonly method?: unknown;
  readonly requestContext?: { readonly http?: { readonly method?: unknown } | null; readonly elb?: unknown } | null;
  readonly headers?: unknown;
  readonly multiValueHeaders?: unknown;
  readonly body?: unknown;
  readonly isBase64Encoded?: unknown;
  readonly is_base64_encoded?: unknown;
}

/** The method of an HTTP event; undefined for an event of another kind. */
function methodOf(event: EventLike): string | undefined {
  const { httpMethod, requestContext, body } = event;
  // REST APIs and load balancers, HTTP APIs and Function URLs, VPC Lattice.
  const named = [httpMethod, requestContext?.http?.method, isObject(event.headers) && event.method].find(isText);
  if (named !== undefined) return named;
  // What is left of an HTTP event in a hand-made test, or after another proxy: a body is enough, as it is for the reference.
  const isAlone = httpMethod === undefined && requestContext === undefined && serviceMark(event) === undefined;
  return isAlone && (isText(body) || isObject(body)) ? "POST" : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Where an event has values in lists, they count. */
function headersOf({ headers, multiValueHeaders }: EventLike): Readonly<Record<string, string>> {
  return { ...joinedHeaders(headers), ...joinedHeaders(multiValueHeaders) };
}

/** Values, single or in lists, by lower-case name. Names that differ in case only are one header, sent twice. */
function joinedHeaders(sent: unknown): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(isObject(sent) ? sent : {})) {
    const key = name.toLowerCase();
    const text: unknown = Array.isArray(value) ? value.join(", ") : value;
    if (isText(text)) headers[key] = Object.hasOwn(headers, key) ? `${headers[key]}, ${text}` : text;
  }
  return headers;
}

/** Undefined for one that is over the limit. What something before has parsed already is taken as it is. */
function bodyOf(event: EventLike, limitBytes: number): InvocableRequestBody | undefined {
  const { body, isBase64Encoded = event.is_base64_encoded } = event;
  if (!isText(body)) return isObject(body) ? body : "";
  if (isBase64Encoded !== true) return body;
  const size = base64ByteLength(body);
  if (size > limitBytes) return undefined;
  const bytes = platformBytes.allocate(size);
  // Text that is no base64 is answered as an empty body.
  return platformBytes.readBase64(body, bytes, size) ? bytes.subarray(0, size) : "";
}

async function toResult(answer: InvocableHttpResponse, event: EventLike): Promise<LambdaHttpResult> {
  const isBalanced = isObject(event.requestContext?.elb);
  const { statusCode, headers, body } = await withinLimit(answer, {
    platform: isBalanced ? "a load balancer" : "AWS Lambda",
    bytes: (isBalanced ? MOST_BALANCED_BYTES : MOST_ANSWER_BYTES) - HEAD_BYTES,
    // The body is a text in a JSON document.
    sizeOf: (text) => utf8Length(JSON.stringify(text)),
  });
  // A load balancer that sends lists of values reads nothing else.
  const sent =
    isBalanced && !isObject(event.headers)
      ? { multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])) }
      : { headers: { ...headers } };
  const described = isBalanced && { statusDescription: `${statusCode} ${statusCode === 200 ? "OK" : "Refused"}` };
  return { statusCode, ...described, ...sent, body, isBase64Encoded: false };
}
