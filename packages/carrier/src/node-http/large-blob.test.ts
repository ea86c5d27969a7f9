import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "@durable-workflow/test-support/patience";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeInvocableActivityHandler } from "../adapters/node.js";
import { handleInvocableHttpRequest } from "../http/endpoint.js";
import { decodeAvroValue, encodeAvroValue } from "../payload/codec.js";
import { buildTaskInput } from "../testing/build-task-input.js";
import { parseAroundBlob, printAroundBlob } from "./large-blobs.js";

const handlers = { echo: (value: unknown) => value, count: (...args: readonly unknown[]) => args.length };
const TEXT = "lamp \u00e9 ".repeat(20_000);

let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer(nodeInvocableActivityHandler(handlers, { bodyLimitBytes: 2 ** 24 }));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  // What handles large blobs is loaded when the first one is met, which goes through JSON.
  const document = { result: { payload: { codec: "avro", blob: "A".repeat(100_000) } } };
  expect(printAroundBlob(document)).toBeUndefined();
  await until(() => printAroundBlob(document) !== undefined, "what handles large blobs");
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

interface Answer {
  readonly result?: { readonly payload: { readonly blob: string } };
  readonly failure?: { readonly message: string };
  readonly error?: string;
}

async function asked(body: string | Buffer): Promise<{ readonly status: number; readonly answer: Answer }> {
  const response = await fetch(url, { method: "POST", body });
  return { status: response.status, answer: (await response.json()) as Answer };
}

function inputOf(...args: readonly unknown[]): string {
  return JSON.stringify(buildTaskInput({ activityType: "echo", args }));
}

describe("a large blob", () => {
  it("goes in and out past the JSON parser, and is what it was", async () => {
    const body = inputOf(TEXT);
    expect(parseAroundBlob([Buffer.from(body)], Buffer.byteLength(body))).toEqual(JSON.parse(body));
    const { status, answer } = await asked(body);
    expect(status).toBe(200);
    expect(decodeAvroValue(answer.result?.payload.blob ?? "")).toBe(TEXT);
  });

  it("keeps its text, though the memory that pieces are put together in is used again", () => {
    const bodies = ["first ".repeat(50_000), "second".repeat(40_000), "x".repeat(100_000)].map((text) => inputOf(text));
    const parsed = bodies.map((text) => {
      const bytes = Buffer.from(text);
      const half = bytes.length >> 1;
      return parseAroundBlob([bytes.subarray(0, half), bytes.subarray(half)], bytes.length);
    });
    expect(parsed).toEqual(bodies.map((text) => JSON.parse(text) as unknown));
  });

  it("stands in an answer as JSON has it", () => {
    const blob = encodeAvroValue(TEXT);
    const document = {
      before: '\u00e9"',
      result: { payload: { codec: "avro", blob }, metadata: null },
      after: "\ud83d\ude00",
    };
    const bytes = printAroundBlob(document);
    expect(new TextDecoder().decode(bytes)).toBe(JSON.stringify(document));
  });

  it.each([
    ["a small blob", "QUJD"],
    ["a quote", `${"A".repeat(100_000)}"`],
    ["a backslash", `${"A".repeat(100_000)}\\`],
    ["a line feed", `${"A".repeat(100_000)}\n`],
    ["a character of Latin-1", `${"A".repeat(100_000)}\u00e9`],
    ["a character beyond it", `${"A".repeat(100_000)}\u0141`],
    ["another character beyond it, whose low byte is a letter", `${"A".repeat(100_000)}\u0441`],
  ])("is left to the JSON printer with %s", (_, blob) => {
    expect(printAroundBlob({ result: { payload: { codec: "avro", blob } } })).toBeUndefined();
  });

  it("is left to it where it stands there twice", () => {
    const blob = "A".repeat(100_000);
    expect(printAroundBlob({ result: { payload: { codec: "avro", blob } }, again: blob })).toBeUndefined();
    expect(printAroundBlob({ failure: { message: blob } })).toBeUndefined();
  });

  const body = inputOf(TEXT);
  const blobOf = (text: string): string =>
    (JSON.parse(text) as { readonly payloads: { readonly arguments: { readonly blob: string } } }).payloads.arguments
      .blob;
  const blob = blobOf(body);
  it.each([
    ["an escape within", body.replace(blob, `\\u0041${blob.slice(1)}`)],
    ["an escaped quote at the end", body.replace(blob, `${blob}\\"`)],
    ["a control character within", body.replace(blob, `${blob.slice(0, 50)}\n${blob.slice(50)}`)],
    ["a NUL within", body.replace(blob, `${blob.slice(0, 50)}\0${blob.slice(50)}`)],
    ["a character that is no base64", body.replace(blob, `${blob.slice(0, 50)}!${blob.slice(51)}`)],
    ["text beyond ASCII", body.replace(blob, `${blob.slice(0, 50)}\u00e9${blob.slice(50)}`)],
    ["a second blob after it", body.replace(`"blob":"${blob}"`, `"blob":"${blob}","blob":"QUJD"`)],
    ["another blob before it", body.replace("{", `{"x":{"blob":"${"A".repeat(50_000)}"},`)],
    ["no end", body.slice(0, -200)],
    ["a broken document around it", body.replace('"version"', "version")],
    ["a broken list after it", `${body.slice(0, -1)},[}`],
    ["much around it", body.replace("{", `{"x":${JSON.stringify(Array.from({ length: 3000 }, (_, n) => n))},`)],
    ["deep lists around it", body.replace("{", `{"x":${"[".repeat(70_000)}${"]".repeat(70_000)},`)],
    ["a list in the place of the document", `[${body}]`],
    ["nothing in its place", body.replace(`"arguments":{`, `"arguments":null,"other":{`)],
  ])("with %s is answered as by the JSON parser", async (_, text) => {
    const expected = await handleInvocableHttpRequest(Buffer.from(text), handlers, { bodyLimitBytes: 2 ** 24 });
    const { status, answer } = await asked(text);
    const known = expected.json() as Answer;
    expect(status).toBe(expected.statusCode);
    expect(answer.error).toBe(known.error);
    expect(answer.failure).toEqual(known.failure);
    expect(answer.result).toEqual(known.result);
  });

  it("within bytes that are no UTF-8 is refused", async () => {
    const text = body.replace("{", '{"x":"?",');
    const bytes = Buffer.from(text);
    bytes[text.indexOf("?")] = 0xff;
    expect((await asked(bytes)).status).toBe(400);
  });

  it("counts in full against the limit of bodies", async () => {
    const { status } = await asked(inputOf("x".repeat(2 ** 24)));
    expect(status).toBe(413);
  });
});
