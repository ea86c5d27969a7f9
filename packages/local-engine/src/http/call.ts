import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { JsonObject } from "@durable-workflow/carrier/protocol";
import type { LongText } from "./long-text.js";

/** Who may call: the role of the token that came. */
export type Role = "worker" | "operator" | "admin";

/** The worker plane is `/api/worker/*`, the control plane the rest; `open` routes need no token. */
export type Plane = "worker" | "control" | "open";

export type { JsonObject };

/** One request, read whole and checked, as a route sees it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  /** What the pattern's placeholders matched, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Empty when no object was sent. */
  readonly body: JsonObject;
  /** As it came, without {@link long}. */
  readonly rawBody: string;
  /** A long text of the payload, of routes that take it apart: the body has its mark in its place. */
  readonly long: LongText | undefined;
  readonly namespace: string;
  /** The worker protocol that the request speaks; undefined on the other planes. */
  readonly protocolVersion: string | undefined;
  /** Calls back once, if the client goes before it has its answer. */
  readonly onDisconnect: (callback: () => void) => void;
}

export interface Reply {
  readonly status: number;
  /** A document, as it is written as JSON. */
  readonly body: object;
  /** A text in the body that may be large, or a payload whose text it has. Default: none is known to be. */
  readonly blob?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A reply that goes on: events, each a few lines of text. */
export interface StreamReply {
  /** Lets a reader join. The function returned is called once it has gone. */
  readonly join: (reader: ServerResponse) => () => void;
}

/** Ends a request with a reply, from wherever it is thrown. */
export class ReplyError extends Error {
  readonly reply: Reply;

  constructor(status: number, body: object, headers?: Readonly<Record<string, string>>) {
    super(`answered ${status}`);
    this.name = "ReplyError";
    this.reply = { status, body, ...(headers && { headers }) };
  }
}
