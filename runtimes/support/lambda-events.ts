import type { RuntimeAnswer, SentRequest } from "./platform.js";

/** How the services that call functions over HTTP put a request into an event. */
type ToEvent = (request: SentRequest) => unknown;

function text(body: Uint8Array | undefined): { body: string | null; isBase64Encoded: boolean } {
  if (body === undefined) return { body: null, isBase64Encoded: false };
  const asText = Buffer.from(body).toString();
  // What is no UTF-8 travels in base64 everywhere.
  return Buffer.from(asText).equals(body) ? { body: asText, isBase64Encoded: false } : base64(body);
}

function base64(body: Uint8Array | undefined): { body: string | null; isBase64Encoded: boolean } {
  return { body: body === undefined ? null : Buffer.from(body).toString("base64"), isBase64Encoded: true };
}

function lists(headers: Readonly<Record<string, string>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
}

const EVENTS: Readonly<Record<string, ToEvent>> = {
  "Function URL": ({ method, headers, body }) => ({
    version: "2.0",
    routeKey: "$default",
    rawPath: "/",
    rawQueryString: "",
    headers,
    requestContext: { http: { method, path: "/", protocol: "HTTP/1.1" }, requestId: "1", stage: "$default" },
    // Media types of applications count as binary.
    ...base64(body),
  }),
  "REST API": ({ method, headers, body }) => ({
    resource: "/{proxy+}",
    path: "/",
    httpMethod: method,
    headers,
    multiValueHeaders: lists(headers),
    requestContext: { httpMethod: method, stage: "prod" },
    ...text(body),
  }),
  "load balancer": ({ method, headers, body }) => ({
    requestContext: { elb: { targetGroupArn: "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/c/1" } },
    httpMethod: method,
    path: "/",
    multiValueHeaders: lists(headers),
    ...text(body),
    body: text(body).body ?? "",
  }),
  "VPC Lattice": ({ method, headers, body }) => ({
    version: "2.0",
    path: "/",
    method,
    headers: lists(headers),
    queryStringParameters: {},
    requestContext: {
      serviceNetworkArn: "arn:aws:vpc-lattice:eu-central-1:1:servicenetwork/sn-1",
      serviceArn: "arn:aws:vpc-lattice:eu-central-1:1:service/svc-1",
      targetGroupArn: "arn:aws:vpc-lattice:eu-central-1:1:targetgroup/tg-1",
      region: "eu-central-1",
      timeEpoch: "1764000000000000",
    },
    ...text(body),
  }),
  "VPC Lattice, version 1": ({ method, headers, body }) => {
    const { body: sent, isBase64Encoded } = text(body);
    return {
      raw_path: "/",
      method,
      headers,
      query_string_parameters: {},
      body: sent,
      is_base64_encoded: isBase64Encoded,
    };
  },
  "Netlify Functions, version 1": ({ method, headers, body }) => ({
    rawUrl: "https://carrier.test/tasks",
    rawQuery: "",
    path: "/tasks",
    httpMethod: method,
    headers,
    multiValueHeaders: lists(headers),
    queryStringParameters: {},
    multiValueQueryStringParameters: {},
    ...base64(body),
  }),
};

/** What an invocation that is waited for may be sent: 6 MB. */
const MOST_EVENT_BYTES = 6 * 1024 * 1024;

/** By service; undefined for a request that is too large for Lambda, which the service then answers itself. */
export const LAMBDA_EVENTS: Readonly<Record<string, ToEvent>> = Object.fromEntries(
  Object.entries(EVENTS).map(([service, toEvent]) => [
    service,
    (request: SentRequest) => {
      const event = toEvent(request);
      return JSON.stringify(event).length > MOST_EVENT_BYTES ? undefined : event;
    },
  ]),
);

export const TOO_LARGE_FOR_LAMBDA: RuntimeAnswer = {
  status: 413,
  headers: {},
  body: '{"Message":"Request Entity Too Large"}',
  isReused: true,
};

/** The answer in what a function returned. */
export function toLambdaAnswer(result: unknown): RuntimeAnswer {
  const { statusCode, headers, multiValueHeaders, body } = result as {
    statusCode: number;
    headers?: Record<string, string>;
    multiValueHeaders?: Record<string, string[]>;
    body: string;
  };
  const flat = Object.entries(multiValueHeaders ?? {}).map(([name, values]) => [name, values.join(", ")]);
  return { status: statusCode, headers: { ...headers, ...Object.fromEntries(flat) }, body, isReused: true };
}
