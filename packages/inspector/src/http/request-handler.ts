import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ROUTES } from "../api/index.js";
import { Problem } from "../problem.js";
import { type Guard, PasswordWanted } from "./guard.js";
import type { StaticFile } from "./static-files.js";

const squeeze = promisify(gzip);
/** Smaller answers cost more to compress than to send to a neighbour. */
const COMPRESS_FROM = 16_384;
/** Of the body of an action. */
const MOST_BODY_BYTES = 12 * 1024 * 1024;

export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "Cache-Control": "no-store",
};

/** An answer that is not a document: bytes to be kept, or a stream that is begun. */
export type Answer =
  | { readonly document: object }
  | { readonly bytes: Buffer; readonly name: string }
  | { readonly join: (response: ServerResponse) => void };

/** One route: GET with a query, or POST with a body. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly handle: (call: Call) => Promise<Answer>;
}

export interface Call {
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  /** Parsed JSON of an action. */
  readonly body: unknown;
}

export interface HandlerParts {
  readonly guard: Guard;
  readonly routes: ReadonlyMap<string, Route>;
  readonly files: ReadonlyMap<string, StaticFile>;
}

/** Answers a request of the page, whatever comes: files, views, actions, the stream. Never rejects. */
export async function handlePageRequest(
  parts: HandlerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  try {
    await answer(parts, request, response);
  } catch (error) {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (error instanceof PasswordWanted) {
      response.setHeader("WWW-Authenticate", 'Basic realm="Durable Workflow inspector", charset="UTF-8"');
      const { document } = new Problem("forbidden", "a password is wanted");
      await sendJson(request, response, 401, document);
      return;
    }
    const problem =
      error instanceof Problem ? error : new Problem("internal", "the page could not answer: a defect of its own");
    await sendJson(request, response, problem.status, problem.document);
  }
}

async function answer(parts: HandlerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { path, query } = readUrl(request.url ?? "/");
  const route = parts.routes.get(path);
  const file = route === undefined ? fileOf(parts.files, path) : undefined;
  parts.guard.admit(request, { isPage: file !== undefined });
  if (route === undefined) {
    if (file === undefined) throw nothingThere(path, parts.files.size);
    if (request.method !== "GET" && request.method !== "HEAD") throw wrongMethod(response, "GET, HEAD");
    sendFile(request, response, file);
    return;
  }
  if (request.method !== route.method) throw wrongMethod(response, route.method);
  let body: unknown;
  if (route.method === "POST") {
    parts.guard.admitAction(request);
    body = parsed(await readBody(request));
  }
  const given = await route.handle({ query, headers: request.headers, body });
  if (response.destroyed) return;
  if ("join" in given) given.join(response);
  else if ("bytes" in given) {
    response.writeHead(200, {
      "Content-Type": "application/octet-stream",
      "Content-Disposition": `attachment; filename="${given.name}"`,
      "Content-Length": given.bytes.length,
    });
    response.end(given.bytes);
  } else await sendJson(request, response, 200, given.document);
}

/** The page is at `/`, and its routes are below it; a mount further down takes its own part of the path away first. */
function readUrl(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const at = url.indexOf("?");
  const path = (at < 0 ? url : url.slice(0, at)).replace(/^\/+/, "");
  return { path, query: new URLSearchParams(at < 0 ? "" : url.slice(at + 1)) };
}

function fileOf(files: ReadonlyMap<string, StaticFile>, path: string): StaticFile | undefined {
  return files.get(path === "" ? "index.html" : path);
}

function nothingThere(path: string, files: number): Problem {
  if (path === "" && files === 0) {
    return new Problem("not_found", "the page is not built", {
      hint: `node packages/inspector/build.mjs builds it; ${ROUTES.overview} answers without it.`,
    });
  }
  return new Problem("not_found", "there is nothing here");
}

function wrongMethod(response: ServerResponse, allowed: string): Problem {
  response.setHeader("Allow", allowed);
  return new Problem("method_not_allowed", `the methods here are ${allowed}`);
}

function sendFile(request: IncomingMessage, response: ServerResponse, { bytes, type, isHashed }: StaticFile): void {
  response.writeHead(200, {
    "Content-Type": type,
    "Content-Length": bytes.length,
    ...(isHashed ? { "Cache-Control": "public, max-age=31536000, immutable" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

async function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  document: object,
): Promise<void> {
  let bytes = Buffer.from(JSON.stringify(document));
  const headers: Record<string, string | number> = { "Content-Type": "application/json; charset=utf-8" };
  if (bytes.length >= COMPRESS_FROM && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "")) {
    bytes = Buffer.from(await squeeze(bytes));
    headers["Content-Encoding"] = "gzip";
  }
  if (response.destroyed) return;
  // What was not read of the body must not be taken for the next request.
  if (!request.complete) headers["Connection"] = "close";
  response.writeHead(status, { ...headers, "Content-Length": bytes.length });
  response.end(bytes);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY_BYTES) throw new Problem("too_large", `an action has at most ${MOST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("bad_request", "the body must be JSON");
  }
}
