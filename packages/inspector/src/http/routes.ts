import type { IncomingMessage } from "node:http";
import { at, PATHS, pathTo } from "@durable-workflow/engine-protocol";
import { readAction } from "../action/read-action.js";
import { ROUTES } from "../api/index.js";
import type { Desk } from "../desk.js";
import { wireText } from "../view/wire.js";
import { FILTER_NAMES, Query, readFilter } from "./read-query.js";
import type { Route } from "./request-handler.js";

const PAGE = { least: 1, most: 200 };
const PAGE_DEFAULT = 100;
const PART = { least: 1, most: 65_536 };
const LONGEST_EVENT = 16_384;
const LONGEST_DOCUMENT = 65_536;
const PAYLOAD_NAMES = ["id", "runId", "slot", "attempt"];
const ACTIVITY_NAMES = ["id", "runId"];

type Handler = (query: URLSearchParams, headers: IncomingMessage["headers"]) => Promise<object>;

/** Every route of the page's API. */
export function routesOf(desk: Desk): ReadonlyMap<string, Route> {
  return new Map<string, Route>([
    [ROUTES.capabilities, view((query) => (none(query), desk.capabilities()))],
    [ROUTES.overview, view((query) => (none(query), desk.overview()))],
    [ROUTES.queues, view(async (query) => (none(query), (await desk.source()).queues()))],
    [ROUTES.workers, view(async (query) => (none(query), (await desk.source()).workers()))],
    [ROUTES.types, view(async (query) => (none(query), desk.types()))],
    [ROUTES.activities, view((query) => list(desk, query))],
    [ROUTES.activity, view((query) => activity(desk, query))],
    [ROUTES.history, view((query) => history(desk, query))],
    [ROUTES.wire, view((query) => wire(desk, query))],
    [ROUTES.payload, view((query) => payloadPart(desk, query))],
    [ROUTES.payloadBytes, { method: "GET", handle: ({ query }) => payloadBytes(desk, query) }],
    [
      ROUTES.events,
      {
        method: "GET",
        handle: async ({ query, headers }) => {
          const given = new Query(query, ["after", "overview"]);
          const last = headers["last-event-id"];
          const after = (Array.isArray(last) ? last[0] : last) ?? given.text("after");
          const joining = { after, wantsOverview: given.text("overview") === "1" };
          return Promise.resolve({
            join: (response) => {
              desk.hub.join(response, joining);
            },
          });
        },
      },
    ],
    [
      ROUTES.action,
      { method: "POST", handle: async ({ body }) => ({ document: await (await desk.actions()).do(readAction(body)) }) },
    ],
  ]);
}

function view(handle: Handler): Route {
  return {
    method: "GET",
    handle: async ({ query, headers }) => ({ document: await handle(query, headers) }),
  };
}

function none(query: URLSearchParams): void {
  new Query(query, []).text("");
}

async function list(desk: Desk, given: URLSearchParams): Promise<object> {
  const query = new Query(given, [...FILTER_NAMES, "cursor", "limit"]);
  const filter = readFilter(query);
  const limit = query.whole("limit", PAGE) ?? PAGE_DEFAULT;
  return (await desk.source()).list(filter, query.text("cursor", 2_000), limit);
}

async function activity(desk: Desk, given: URLSearchParams): Promise<object> {
  const query = new Query(given, ACTIVITY_NAMES);
  return (await desk.source()).detail(query.required("id"), query.text("runId"));
}

async function history(desk: Desk, given: URLSearchParams): Promise<object> {
  const query = new Query(given, [...ACTIVITY_NAMES, "cursor", "limit"]);
  const id = query.required("id");
  const runId = query.text("runId") ?? (await desk.calls.describe(id)).workflow_run_id;
  const limit = query.whole("limit", PAGE) ?? PAGE_DEFAULT;
  const page = await desk.calls.history(id, runId, {
    page_size: String(limit),
    next_page_token: query.text("cursor", 2_000),
  });
  const events = page.events.map(({ sequence, event_type: type, timestamp, payload }) => ({
    sequence,
    type,
    at: timestamp,
    ...wireText(payload, LONGEST_EVENT),
  }));
  return { asOf: await (await desk.source()).now(), events, cursor: page.next_page_token ?? null };
}

async function wire(desk: Desk, given: URLSearchParams): Promise<object> {
  const query = new Query(given, ACTIVITY_NAMES);
  const id = query.required("id");
  const description = await desk.calls.describe(id);
  const runId = query.text("runId") ?? description.workflow_run_id;
  const page = await desk.calls.history(id, runId, { page_size: "20" });
  const input = at(page.events[0]?.payload ?? {}, "command", "payload");
  const documents = [
    { name: `GET ${pathTo(PATHS.activity, { id })}`, document: description as unknown },
    { name: `GET ${pathTo(PATHS.history, { id, run: runId })}?page_size=20`, document: page as unknown },
    ...(input === undefined || input === null ? [] : [{ name: "the arguments", document: envelopeOf(input) }]),
    ...(description.result === null ? [] : [{ name: "the result", document: description.result as unknown }]),
  ];
  return {
    asOf: await (await desk.source()).now(),
    documents: documents.map(({ name, document }) =>
      Object.assign({ name, explained: desk.explain(document) }, wireText(document, LONGEST_DOCUMENT)),
    ),
  };
}

function envelopeOf(payload: unknown): unknown {
  return typeof payload === "string" ? { codec: "avro", blob: payload } : payload;
}

async function payloadPart(desk: Desk, given: URLSearchParams): Promise<object> {
  const query = new Query(given, [...PAYLOAD_NAMES, "offset", "length"]);
  const offset = query.whole("offset", { least: 0, most: Number.MAX_SAFE_INTEGER }) ?? 0;
  const length = query.whole("length", PART) ?? PART.most;
  const part = await desk.payloads.part(await nameOf(desk, query), { offset, length });
  return { asOf: await (await desk.source()).now(), ...part };
}

async function payloadBytes(
  desk: Desk,
  given: URLSearchParams,
): Promise<{ readonly bytes: Buffer; readonly name: string }> {
  const query = new Query(given, PAYLOAD_NAMES);
  const name = await nameOf(desk, query);
  return { bytes: await desk.payloads.bytes(name), name: `${name.slot}.avro` };
}

async function nameOf(desk: Desk, query: Query): Promise<Parameters<Desk["payloads"]["part"]>[0]> {
  const id = query.required("id");
  const runId = query.text("runId") ?? (await desk.calls.describe(id)).workflow_run_id;
  return { id, runId, slot: query.slot(), attempt: query.whole("attempt", { least: 1, most: 1_000_000 }) };
}
