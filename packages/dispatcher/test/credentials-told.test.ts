import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import { expect, it } from "vitest";
import { allOf, awsSigV4, headersFrom } from "../src/authorizers.js";
import { logEvents } from "../src/service/log-lines.js";
import { createLogger } from "../src/service/logs.js";
import { createMetrics } from "../src/service/metrics.js";
import type { EngineUnderTest } from "./support/engine-under-test.js";
import { ENGINES } from "./support/engines.js";
import {
  type ForeignCarrier,
  type ForeignHandler,
  failureFor,
  startForeignCarrier,
} from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";
import { endAfterEach } from "./support/scene.js";

const TOKEN = "lamp/s3cret+token==";
let engine: EngineUnderTest;
let carrier: ForeignCarrier;
let running: Running;

endAfterEach(() => ({ engine, carrier, running }));

const b64 = (text: string): string => Buffer.from(text).toString("base64");
const QUOTES = [TOKEN, `Bearer ${TOKEN}`, b64(TOKEN), b64(`Bearer ${TOKEN}`), encodeURIComponent(TOKEN)];
const QUOTE = QUOTES.join(" and ");

/** What gives the token away, in plain or inside base64 of any kind. */
function givesAway(text: string): boolean {
  const decoded = [...text.matchAll(/[\w+/-]{12,}={0,2}/g)].map(([found]) =>
    Buffer.from(found, "base64").toString("latin1"),
  );
  const twice = decoded.flatMap((inner) =>
    [...inner.matchAll(/[\w+/-]{12,}={0,2}/g)].map(([found]) => Buffer.from(found, "base64").toString("latin1")),
  );
  return [text, ...decoded, ...twice].some((seen) => /s3cret/.test(seen));
}

const HANDLERS: readonly (readonly [string, ForeignHandler])[] = [
  [
    "a failure",
    (envelope, response) => {
      const details = { quoted: QUOTE };
      const failure = { message: QUOTE, type: TOKEN, stack_trace: `at ${QUOTE}`, details };
      response.writeHead(200).end(JSON.stringify(failureFor(envelope, failure, false)));
    },
  ],
  ["a result", () => payloadEnvelope({ quoted: QUOTE })],
  ["a page", (_, response) => void response.writeHead(400).end(QUOTE)],
  ["a page of a status of its own", (_, response) => void response.writeHead(404).end(QUOTE)],
];

for (const { name, make } of ENGINES) {
  it.each(HANDLERS)(`${name}, events, logs and metrics hear no credential that %s quotes`, async (_, handle) => {
    engine = make({});
    await engine.start();
    carrier = await startForeignCarrier(handle);
    const config = {
      ...oneCarrier(carrier.url, ["t"]),
      auth_refs: { lamp: { type: "env", env: "LAMP_TOKEN" } },
      defaults: { task_queue: "lamps", auth_ref: "lamp" },
    };
    running = await startDispatcher(engine, { config, environment: { LAMP_TOKEN: `${TOKEN}\n` } });
    const lines: string[] = [];
    logEvents(running.dispatcher.events, createLogger({ level: "debug" }, { write: (line) => void lines.push(line) }));
    const metrics = createMetrics(running.dispatcher);
    // An engine that quotes, too.
    engine.interfere = ({ verb }) =>
      verb === "worker_heartbeat" ? { status: 422, body: JSON.stringify({ error: QUOTE, reason: QUOTE }) } : undefined;
    const activity = await engine.schedule({ type: "t" });
    await engine.untilStatus(activity, "completed", "failed");
    expect(carrier.received[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    await running.until(() => running.eventsOf("task_ended").length > 0);
    expect(activity.outcomes).toHaveLength(1);
    expect(givesAway(QUOTE)).toBe(true);
    for (const said of [
      JSON.stringify(activity.outcomes),
      JSON.stringify(running.events),
      lines.join(""),
      await metrics.metrics(),
    ]) {
      expect(givesAway(said)).toBe(false);
    }
  });
}

/** What an authorizer shows is made for one try, and known as long as that attempt. */
it.each(ENGINES)("$name, events, logs and metrics hear nothing of what authorizers show", async ({ make }) => {
  engine = make({});
  await engine.start();
  const shown: string[] = [];
  carrier = await startForeignCarrier((envelope, response, { headers }) => {
    const signature = /Signature=(\w+)/.exec(headers.authorization ?? "")?.[1] ?? "";
    shown.push(signature);
    const quotes = [signature, String(headers["x-amz-security-token"]), String(headers["x-gate"])];
    const quote = [...quotes, ...quotes.map(b64), headers.authorization].join(" and ");
    // The first is refused, with a page; what follows is a failure that quotes as well.
    if (shown.length === 1) response.writeHead(403).end(quote);
    else if (shown.length === 2) {
      const failure = { message: quote, type: "Quoted", stack_trace: quote, details: { quote } };
      response.writeHead(200).end(JSON.stringify(failureFor(envelope, failure, false)));
    } else response.writeHead(502).end(quote);
  });
  const environment = Object.fromEntries([
    ["AWS_ACCESS_KEY_ID", "AKIDLAMPS"],
    ["AWS_SECRET_ACCESS_KEY", "never-sent-s3cret"],
    ["AWS_SESSION_TOKEN", "session-s3cret"],
    ["GATE", "gate-s3cret"],
  ]);
  const gate = headersFrom({ headers: { "X-Gate": { env: "GATE" } }, environment });
  const config = {
    ...oneCarrier(carrier.url, ["t"]),
    auth_refs: { wall: { type: "env", env: "NEVER_READ" } },
    defaults: { task_queue: "lamps", auth_ref: "wall" },
  };
  const wall = allOf(gate, awsSigV4({ region: "eu-central-1", environment }));
  running = await startDispatcher(engine, { config, authorizers: { wall } });
  const lines: string[] = [];
  logEvents(running.dispatcher.events, createLogger({ level: "debug" }, { write: (line) => void lines.push(line) }));
  const metrics = createMetrics(running.dispatcher);
  const first = await engine.schedule({ type: "t" });
  await engine.untilStatus(first, "failed");
  const second = await engine.schedule({ type: "t" });
  await engine.untilStatus(second, "failed");
  await running.until(() => running.eventsOf("task_ended").length > 1);
  expect(shown.length).toBeGreaterThanOrEqual(3);
  expect(first.outcomes[0]).toMatchObject({ body: { failure: { type: "Quoted" } } });
  expect(running.eventsOf("delivery_retried")[0]).toMatchObject({
    why: "status 403: once more, with fresh credentials",
  });
  const said = [
    JSON.stringify([first.outcomes, second.outcomes, running.events]),
    lines.join(""),
    await metrics.metrics(),
  ];
  for (const text of said) {
    expect(givesAway(text)).toBe(false);
    for (const signature of shown) {
      expect(text).not.toContain(signature);
      expect(text).not.toContain(b64(signature));
    }
  }
});
