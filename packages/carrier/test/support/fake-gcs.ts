import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Loopback, listen } from "./loopback.js";

/**
 * Google Cloud Storage's JSON API as far as objects are put, read and deleted in one request: with a bearer token,
 * preconditions, CRC32C and MD5 in answers and headers, ranges, and errors in the service's form. Nothing ready-made runs
 * without a download. The real client of the service is what it is tested with.
 */
export interface FakeGcs extends Loopback {
  readonly token: string;
  readonly objects: Map<string, StoredObject>;
  /** Method and path, with the query parameters that matter, of each request so far. */
  readonly requests: string[];
  /** Answers so many further requests with status 503 first. */
  failNext(count: number): void;
}

export interface StoredObject {
  readonly data: Uint8Array;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly generation: number;
}

interface ServiceError {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
}

interface UploadFields {
  readonly name?: string;
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const CONDITION_NOT_MET: ServiceError = {
  status: 412,
  reason: "conditionNotMet",
  message: "At least one of the pre-conditions you specified did not hold.",
};

export async function startFakeGcs(bucket: string): Promise<FakeGcs> {
  const objects = new Map<string, StoredObject>();
  const requests: string[] = [];
  const token = "ya29.a-good-token";
  let failures = 0;
  let generation = 1_700_000_000_000_000;

  const server = createServer((request, response) => {
    void handle(request, response).catch(() => response.destroy());
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fake");
    const body = await read(request);
    requests.push(`${request.method} ${url.pathname} ${url.searchParams.get("ifGenerationMatch") ?? "-"}`);
    if (failures > 0) {
      failures--;
      return fail(response, { status: 503, reason: "backendError", message: "Backend Error" });
    }
    if (request.headers.authorization !== `Bearer ${token}`) {
      return fail(response, { status: 401, reason: "authError", message: "Invalid Credentials" });
    }
    const [, upload, named = "", key = ""] =
      /^\/(upload\/)?storage\/v1\/b\/([^/]+)\/o\/?(.*)$/.exec(url.pathname) ?? [];
    if (named !== bucket) {
      return fail(response, { status: 404, reason: "notFound", message: "The specified bucket does not exist." });
    }
    if (upload !== undefined) return put(request, response, url, body);
    const name = decodeURIComponent(key);
    const object = objects.get(name);
    if (object === undefined) {
      return fail(response, { status: 404, reason: "notFound", message: `No such object: ${bucket}/${name}` });
    }
    if (request.method === "DELETE") {
      objects.delete(name);
      response.writeHead(204).end();
    } else if (url.searchParams.get("alt") === "media") {
      sendMedia(request, response, object);
    } else {
      sendJson(response, 200, resource(bucket, name, object));
    }
  }

  function put(request: IncomingMessage, response: ServerResponse, url: URL, body: Buffer): void {
    if (url.searchParams.get("uploadType") !== "multipart") {
      return fail(response, { status: 400, reason: "invalid", message: "Only multipart uploads here." });
    }
    const { fields, contentType, data } = readMultipart(request.headers["content-type"] ?? "", body);
    const name = String(fields.name ?? url.searchParams.get("name"));
    const condition = url.searchParams.get("ifGenerationMatch");
    if (condition !== null && Number(condition) !== (objects.get(name)?.generation ?? 0)) {
      return fail(response, CONDITION_NOT_MET);
    }
    const { metadata = {} } = fields;
    const object = {
      data,
      contentType: fields.contentType ?? contentType,
      metadata,
      generation: ++generation,
    };
    objects.set(name, object);
    sendJson(response, 200, resource(bucket, name, object));
  }

  return {
    ...(await listen(server)),
    token,
    objects,
    requests,
    failNext(count) {
      failures = count;
    },
  };
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function fail(response: ServerResponse, { status, reason, message }: ServiceError): void {
  const errors = [{ message, domain: "global", reason }];
  sendJson(response, status, { error: { code: status, message, errors } });
}

function sendJson(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=UTF-8" }).end(JSON.stringify(document));
}

function sendMedia(request: IncomingMessage, response: ServerResponse, object: StoredObject): void {
  const { data, contentType, generation } = object;
  const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  const from = start === undefined ? 0 : Number(start);
  const to = end === undefined || end === "" ? data.length - 1 : Math.min(Number(end), data.length - 1);
  const part = start === undefined ? data : data.subarray(from, to + 1);
  response.writeHead(start === undefined ? 200 : 206, {
    "content-type": contentType,
    "content-length": part.length,
    ...(start === undefined ? undefined : { "content-range": `bytes ${from}-${to}/${data.length}` }),
    "x-goog-generation": generation,
    "x-goog-stored-content-encoding": "identity",
    "x-goog-stored-content-length": data.length,
    "x-goog-hash": `crc32c=${crc32c(data)},md5=${md5(data)}`,
  });
  response.end(part);
}

function resource(bucket: string, name: string, { data, contentType, metadata, generation }: StoredObject) {
  return {
    kind: "storage#object",
    id: `${bucket}/${name}/${generation}`,
    bucket,
    name,
    contentType,
    metadata,
    generation: String(generation),
    metageneration: "1",
    size: String(data.length),
    crc32c: crc32c(data),
    md5Hash: md5(data),
  };
}

/** The two parts of a multipart/related upload: a JSON document, then the object's bytes. */
function readMultipart(contentType: string, body: Buffer) {
  const boundary = /boundary="?([^";]+)/.exec(contentType)?.[1] ?? "";
  const first = body.indexOf("\r\n\r\n") + 4;
  const between = body.indexOf(`\r\n--${boundary}`, first);
  const second = body.indexOf("\r\n\r\n", between + 4) + 4;
  const end = body.lastIndexOf(`\r\n--${boundary}--`);
  const head = body.toString("latin1", between, second);
  return {
    fields: JSON.parse(body.toString("utf8", first, between)) as UploadFields,
    contentType: /content-type: *([^\r]+)/i.exec(head)?.[1] ?? "application/octet-stream",
    data: new Uint8Array(body.subarray(second, end)),
  };
}

function md5(data: Uint8Array): string {
  return createHash("md5").update(data).digest("base64");
}

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli), big-endian in base64, as the service writes it. */
export function crc32c(data: Uint8Array): string {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ CRC32C_TABLE[(crc ^ byte) & 0xff]!;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((crc ^ 0xffffffff) >>> 0);
  return bytes.toString("base64");
}
