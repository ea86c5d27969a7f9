import { createHash, randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import type { Json } from "./engine-client.js";

export interface PayloadAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** Undefined for what is no JSON. */
  readonly body: Json;
}

export interface PayloadRequest {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly token?: string;
  readonly namespace?: string;
  readonly bytes?: Uint8Array | string;
  readonly method?: string;
  readonly signal?: AbortSignal;
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A blob of about so many characters, unlike any other. */
export function blobOf(characters: number): string {
  return encodeAvroValue([
    randomBytes(Math.ceil((characters / 4) * 3) - 40)
      .toString("latin1")
      .slice(0, 4),
    randomBytes(Math.max(1, Math.floor((characters * 3) / 4) - 60)),
  ]);
}

/** Sends exactly what it is given; a header that is undefined is left out. */
export function payloadRequest(url: string, path: string, options: PayloadRequest = {}): Promise<PayloadAnswer> {
  const { bytes, method = bytes === undefined ? "GET" : "POST", token, namespace, signal } = options;
  const all = {
    "X-Durable-Workflow-Protocol-Version": PROTOCOL_VERSION,
    ...(bytes === undefined
      ? {}
      : { "Content-Type": "application/octet-stream", "Content-Length": String(bytes.length) }),
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(namespace === undefined ? {} : { "X-Namespace": namespace }),
    ...options.headers,
  };
  const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${url}${path}`, { method, headers, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const whole = Buffer.concat(chunks);
        const isJson = response.headers["content-type"]?.startsWith("application/json") === true && whole.length > 0;
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes: whole,
          body: isJson ? JSON.parse(whole.toString("utf8")) : undefined,
        });
      });
      response.on("aborted", () => {
        reject(new Error("the answer was cut off"));
      });
    });
    request.on("error", reject);
    request.end(bytes);
  });
}

/** The headers of an upload. */
export function declared(bytes: Uint8Array | string): Record<string, string> {
  return {
    "X-Durable-Workflow-Payload-Codec": "avro",
    "X-Durable-Workflow-Payload-Size": String(Buffer.byteLength(bytes)),
    "X-Durable-Workflow-Payload-SHA256": sha256(bytes),
  };
}

export function upload(
  url: string,
  bytes: Uint8Array | string,
  { headers, ...options }: PayloadRequest = {},
): Promise<PayloadAnswer> {
  return payloadRequest(url, "/api/external-payloads/v1", {
    ...options,
    bytes,
    headers: { ...declared(bytes), ...headers },
  });
}

/** Uploads, and throws unless that is accepted. The reference. */
export async function uploaded(url: string, bytes: Uint8Array | string, options: PayloadRequest = {}): Promise<Json> {
  const { status, body } = await upload(url, bytes, options);
  if (status !== 201) throw new Error(`upload: ${status} ${JSON.stringify(body)}`);
  return body.reference;
}

export function fetched(url: string, reference: Json, options: PayloadRequest = {}): Promise<PayloadAnswer> {
  return payloadRequest(url, `/api/external-payloads/v1/${reference.reference_id}`, options);
}

export function envelopeOf(reference: Json): Json {
  return { codec: "avro", external_payload: reference };
}
