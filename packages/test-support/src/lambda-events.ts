import { Buffer } from "node:buffer";
import type { ALBEvent, APIGatewayProxyEvent, APIGatewayProxyEventV2 } from "aws-lambda";

/** What an event is made of. A body of bytes travels in base64; text does not, unless it is asked for. */
export interface EventParts {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
  readonly base64?: boolean;
}

function wireBody({ body, base64 }: EventParts): { body: string | null; isBase64Encoded: boolean } {
  if (body === null) return { body, isBase64Encoded: false };
  if (typeof body === "string" && base64 !== true) return { body, isBase64Encoded: false };
  return { body: Buffer.from(body).toString("base64"), isBase64Encoded: true };
}

function asLists(headers: Readonly<Record<string, string>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
}

/** As REST APIs name them: every word with a capital. */
function titled(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()), value]),
  );
}

/** API Gateway, REST API: payload format 1.0. */
export function restApiEvent(parts: EventParts): APIGatewayProxyEvent {
  const { method = "POST", headers = {} } = parts;
  return {
    resource: "/{proxy+}",
    path: "/invoke",
    httpMethod: method,
    headers: titled(headers),
    multiValueHeaders: asLists(titled(headers)),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: { proxy: "invoke" },
    stageVariables: null,
    requestContext: {
      accountId: "123456789012",
      apiId: "abc123",
      authorizer: null,
      protocol: "HTTP/1.1",
      httpMethod: method,
      identity: {
        accessKey: null,
        accountId: null,
        apiKey: null,
        apiKeyId: null,
        caller: null,
        clientCert: null,
        cognitoAuthenticationProvider: null,
        cognitoAuthenticationType: null,
        cognitoIdentityId: null,
        cognitoIdentityPoolId: null,
        principalOrgId: null,
        sourceIp: "203.0.113.7",
        user: null,
        userAgent: "dispatcher",
        userArn: null,
      },
      path: "/prod/invoke",
      stage: "prod",
      requestId: "request-1",
      requestTimeEpoch: 1_764_000_000_000,
      resourceId: "res1",
      resourcePath: "/{proxy+}",
    },
    ...wireBody(parts),
  };
}

/** API Gateway, HTTP API: payload format 2.0, which Function URLs use too. */
export function httpApiEvent(parts: EventParts): APIGatewayProxyEventV2 {
  const { method = "POST", headers = {} } = parts;
  const { body, isBase64Encoded } = wireBody({ ...parts, base64: parts.base64 ?? true });
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: "/invoke",
    rawQueryString: "",
    headers: { ...headers },
    requestContext: {
      accountId: "123456789012",
      apiId: "abc123",
      domainName: "abc123.lambda-url.eu-central-1.on.aws",
      domainPrefix: "abc123",
      http: { method, path: "/invoke", protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "dispatcher" },
      requestId: "request-1",
      routeKey: "$default",
      stage: "$default",
      time: "24/Nov/2025:16:00:00 +0000",
      timeEpoch: 1_764_000_000_000,
    },
    ...(body !== null && { body }),
    isBase64Encoded,
  };
}

/** Application Load Balancer; with lists where the target group asks for multi-value headers. */
export function applicationLoadBalancerEvent(parts: EventParts, lists = false): ALBEvent {
  const { method = "POST", headers = {} } = parts;
  return {
    requestContext: {
      elb: { targetGroupArn: "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/c/1" },
    },
    httpMethod: method,
    path: "/invoke",
    ...(lists
      ? { multiValueHeaders: asLists(headers), multiValueQueryStringParameters: {} }
      : { headers: { ...headers }, queryStringParameters: {} }),
    ...wireBody(parts),
    // A load balancer sends no body as an empty one.
    body: wireBody(parts).body ?? "",
  };
}
