import fc from "fast-check";
import { MALFORMED, MALFORMED_200, said, success } from "./carrier-said.js";
import { goodValue } from "./odd-values.js";
import type { Answerer, Received } from "./raw-carrier.js";
import type { Expected, Step } from "./scenario.js";

export type CarrierStep = Step<Answerer>;

const CUT: Expected = { end: "failed", retryable: true, type: "CarrierUnreachable" };

const contentType = fc.constantFrom(
  "content-type: application/vnd.durable-workflow.external-task-result+json\r\n",
  "content-type: text/html; charset=utf-16\r\n",
  "content-type: \r\n",
  "",
);

const retryAfter = fc.constantFrom(
  "",
  ...["0", "1", "-5", "soon", "1e9", "Thu, 01 Jan 1970 00:00:00 GMT"].map((value) => `retry-after: ${value}\r\n`),
);

/** Attempts that were answered before. */
const putOff = new Set<string>();

const head = (status: number, headers: string, length: number | string): string =>
  `HTTP/1.1 ${status} Whatever\r\n${headers}content-length: ${length}\r\n\r\n`;

/** A whole answer. A result of this task counts whatever the status is; what is none may be retried by its status. */
const whole = fc
  .tuple(
    said,
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(200) },
      { weight: 4, arbitrary: fc.integer({ min: 200, max: 599 }) },
      { weight: 2, arbitrary: fc.constantFrom(301, 308, 400, 401, 403, 404, 405, 408, 413, 415, 500, 502, 504) },
      { weight: 2, arbitrary: fc.constantFrom(429, 503) },
    ),
    contentType,
    retryAfter,
  )
  // These have no body by definition.
  .filter(([, status]) => status !== 204 && status !== 304)
  .map(([what, status, type, asked]): CarrierStep => {
    const { label, expected, body, headers = "" } = what;
    return {
      label: `${status} with ${label}`,
      expected: expected === MALFORMED_200 && status >= 300 ? { end: "failed", type: MALFORMED } : expected,
      act: (task) => {
        const bytes = Buffer.from(body(task));
        // Whoever asks for patience is asked again, for minutes on end: once per attempt is enough here.
        const after = putOff.has(task.idempotencyKey) ? "" : asked;
        putOff.add(task.idempotencyKey);
        task.socket.write(Buffer.concat([Buffer.from(head(status, headers + type + after, bytes.length)), bytes]));
      },
    };
  });

const withoutBody = fc.constantFrom(204, 304).map(
  (status): CarrierStep => ({
    label: `${status}`,
    expected: { end: "failed", type: MALFORMED },
    act: ({ socket }) => socket.write(`HTTP/1.1 ${status} Nothing\r\n\r\n`),
  }),
);

/** An answer that says "more follows", and then the answer, or none. */
const informational = fc.tuple(fc.constantFrom(100, 102, 103, 199), fc.boolean()).map(
  ([status, follows]): CarrierStep => ({
    label: `${status}, ${follows ? "then a success" : "then nothing more"}`,
    expected: follows ? { end: "either" } : CUT,
    act: (task) => {
      task.socket.write(`HTTP/1.1 ${status} Wait\r\n\r\n`);
      if (!follows) task.socket.destroy();
      else {
        const text = JSON.stringify(success(task, "after all"));
        task.socket.write(`${head(200, "", Buffer.byteLength(text))}${text}`);
      }
    },
  }),
);

const cut = fc
  .constantFrom<[string, Answerer][]>(
    ["closes before any answer", ({ socket }) => socket.destroy()],
    ["resets before any answer", ({ socket }) => socket.resetAndDestroy()],
    ["ends without an answer", ({ socket }) => socket.end()],
    ["closes within the head", ({ socket }) => socket.end("HTTP/1.1 200 OK\r\ncontent-le")],
    ["closes within the body", ({ socket }) => socket.end(`${head(200, "", 500)}{"schema":`)],
    [
      "resets within the body",
      ({ socket }) => {
        socket.write(`${head(200, "", 500)}{"schema":`, () => socket.resetAndDestroy());
      },
    ],
    [
      "closes within a chunk",
      ({ socket }) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"),
    ],
    ["does not speak HTTP", ({ socket }) => socket.end("220 smtp.example ESMTP \0\u001b[2J\r\n")],
    ["upgrades", ({ socket }) => socket.end("HTTP/1.1 101 Switching\r\nupgrade: tea\r\nconnection: upgrade\r\n\r\n")],
    ["has a bad chunk size", ({ socket }) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")],
    ["has an endless head", ({ socket }) => socket.end(`HTTP/1.1 200 OK\r\n${"x-a: b\r\n".repeat(20_000)}`)],
  )
  .map(([label, act]): CarrierStep => ({ label, expected: CUT, act }));

const late = fc
  .constantFrom<[string, Answerer][]>(
    ["never answers", () => undefined],
    ["drips without end", ({ socket }) => drip(socket, `${head(200, "", 10_000)}${" ".repeat(10_000)}`, 100)],
    ["stops within the head", ({ socket }) => socket.write("HTTP/1.1 200 OK\r\n")],
    ["stops within the body", ({ socket }) => socket.write(`${head(200, "", 100)}{`)],
  )
  .map(([label, act]): CarrierStep => ({ label, expected: { end: "stopped" }, needsLimit: true, act }));

const slow = goodValue
  .filter((value) => JSON.stringify(value).length < 1_000)
  .map(
    (value): CarrierStep => ({
      label: "drips a success",
      expected: { end: "completed", value },
      act: (task) => {
        const text = JSON.stringify(success(task, value));
        drip(task.socket, `${head(200, "", Buffer.byteLength(text))}${text}`, 1, 20);
      },
    }),
  );

/** Answers whole, and hangs up at once: the next task must not meet a dead connection. */
const hangingUp = goodValue.map(
  (value): CarrierStep => ({
    label: "answers and hangs up",
    expected: { end: "completed", value },
    act: (task) => {
      const text = JSON.stringify(success(task, value));
      task.socket.end(`${head(200, "", Buffer.byteLength(text))}${text}`);
    },
  }),
);

function drip(socket: Received["socket"], text: string, everyMs: number, pieces = 400): void {
  const bytes = Buffer.from(text);
  const size = Math.ceil(bytes.length / pieces);
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= bytes.length) clearInterval(timer);
    else {
      socket.write(bytes.subarray(at, at + size));
      at += size;
    }
  }, everyMs);
}

/** All that carriers do to a task. */
export const carrierStep: fc.Arbitrary<CarrierStep> = fc.oneof(
  { weight: 60, arbitrary: whole },
  { weight: 2, arbitrary: withoutBody },
  { weight: 2, arbitrary: informational },
  { weight: 12, arbitrary: cut },
  { weight: 2, arbitrary: late },
  { weight: 3, arbitrary: slow },
  { weight: 4, arbitrary: hangingUp },
);
