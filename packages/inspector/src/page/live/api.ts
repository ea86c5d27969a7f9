import {
  ACTION_HEADER,
  ACTION_HEADER_VALUE,
  type ActionOutcome,
  type ActionRequest,
  type ApiError,
  ROUTES,
  type RouteName,
} from "../../api/index.js";
import { serverClock } from "./server-clock.js";

/** Why there is no answer to show: what the command or the engine said, or that nothing answered. */
export class Fault extends Error {
  /** 0: nothing answered. */
  readonly status: number;
  readonly route: string;
  readonly code: string;
  readonly hint: string | null;
  readonly field: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(route: string, status: number, error: Partial<ApiError["error"]> & { message: string }) {
    super(error.message);
    this.name = "Fault";
    this.route = route;
    this.status = status;
    this.code = error.code ?? "unreachable";
    this.hint = error.hint ?? null;
    this.field = error.field ?? null;
    this.retryAfterSeconds = error.retryAfterSeconds ?? null;
  }
}

export type Query = Readonly<Record<string, string | undefined>>;

/** The address of a route, relative to the page. Each name and value is encoded once. */
export function address(route: RouteName, query: Query = {}): string {
  const pairs = Object.entries(query)
    .filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  const text = pairs.length === 0 ? ROUTES[route] : `${ROUTES[route]}?${pairs.join("&")}`;
  return new URL(text, new URL(".", document.baseURI)).href;
}

/** A request that hangs is given up after so long: the page says so, and asks again. */
const PATIENCE_MS = 30_000;

async function ask<Answer>(route: RouteName, href: string, init: RequestInit): Promise<Answer> {
  const name = ROUTES[route];
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(href, { ...init, signal, credentials: "same-origin", cache: "no-store" });
    body = await response.json();
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const message = deadline.aborted
      ? "There was no answer within 30 seconds."
      : "Nothing that can be read came back: the command that serves this page has ended, or cannot be reached.";
    throw new Fault(name, 0, { message, hint: "Start it again; this page goes on by itself." });
  }
  if (!response.ok) {
    const { error } = body as Partial<ApiError>;
    throw new Fault(name, response.status, error ?? { message: `It was answered ${response.status}.` });
  }
  const { asOf } = body as { asOf?: string };
  if (asOf !== undefined) serverClock.learn(asOf);
  return body as Answer;
}

export function get<Answer>(route: RouteName, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
  return ask<Answer>(route, address(route, query), signal === undefined ? {} : { signal });
}

export function act(request: ActionRequest): Promise<ActionOutcome> {
  return ask<ActionOutcome>("action", address("action"), {
    method: "POST",
    headers: { "content-type": "application/json", [ACTION_HEADER]: ACTION_HEADER_VALUE },
    body: JSON.stringify(request),
  });
}
