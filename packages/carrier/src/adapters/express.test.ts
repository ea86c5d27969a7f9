import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { listen } from "../../test/support/loopback.js";
import { bearerToken } from "../http/index.js";
import { expressInvocableActivityHandler } from "./express.js";

/** As Express calls what handles errors. The frameworks themselves are in the table of runtimes. */
async function afterError(error: unknown, headers: Record<string, string> = {}) {
  const [, handleError] = expressInvocableActivityHandler({}, { auth: bearerToken("secret") });
  let passedOn: unknown;
  const server = await listen(
    createServer((request: IncomingMessage, response: ServerResponse) => {
      handleError(error, request, response, (next) => {
        passedOn = next;
        response.writeHead(500).end("{}");
      });
    }),
  );
  try {
    const body = JSON.stringify(activityTaskEnvelope());
    const answer = await fetch(server.url, {
      method: "POST",
      body,
      headers: { authorization: "Bearer secret", ...headers },
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, string>, passedOn };
  } finally {
    await server.close();
  }
}

/** What body-parser gives its errors. */
function parserError(type: string, more: object = {}): Error {
  return Object.assign(new Error("a body parser's own words"), { type, ...more });
}

it("names the limit of a body parser", async () => {
  const { status, body } = await afterError(parserError("entity.too.large", { limit: 102_400, status: 413 }));
  expect([status, body["error"]]).toEqual([413, "payload_too_large"]);
  expect(body["message"]).toBe(
    'The request body is over the limit of a body parser before the carrier, 102400 bytes: raise its "limit", or mount the carrier before it.',
  );
});

it("asks the gate first", async () => {
  const { status } = await afterError(parserError("entity.too.large"), { authorization: "Bearer another" });
  expect(status).toBe(401);
});

it("answers a body that does not parse as the contract has it", async () => {
  const { status, body } = await afterError(parserError("entity.parse.failed", { body: "no", status: 400 }));
  expect([status, body["error"]]).toEqual([400, "invalid_invocable_request"]);
});

it("takes a text that is a task after all", async () => {
  const task = JSON.stringify(activityTaskEnvelope());
  const { status, body } = await afterError(parserError("entity.parse.failed", { body: task }));
  expect(status).toBe(200);
  expect(body["failure"]).toMatchObject({ type: "UnknownActivityHandler" });
});

it("names an encoding that a body parser does not know", async () => {
  const { status, body } = await afterError(parserError("encoding.unsupported"), { "content-encoding": "zstd" });
  expect([status, body["error"]]).toEqual([415, "unsupported_content_encoding"]);
});

it.each([new Error("of somebody else"), "text", undefined])("passes on what is no body parser's: %s", async (error) => {
  expect((await afterError(error)).passedOn).toBe(error);
});
