import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";

// The engine's side of large payloads, as plainly as it can be written: it shares no code with this repository.

export interface StoredPayload {
  readonly reference: Reference;
  readonly bytes: Buffer;
}

export interface Reference {
  readonly schema: string;
  readonly reference_id: string;
  readonly codec: string;
  readonly size_bytes: number;
  readonly sha256: string;
}

export interface PayloadCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly bytes: number;
}

/** Answers in place of the store; false lets the store answer. */
export type PayloadFault = (call: PayloadCall, response: ServerResponse) => boolean;

const ROUTE = "/api/external-payloads/v1";
const REFERENCE = "durable-workflow.v2.runtime-external-payload-reference.v1";
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function errorBody(status: number, reason: string, retryable: boolean): string {
  const schema = "durable-workflow.v2.runtime-external-payload-error.v1";
  return JSON.stringify({ schema, reason, message: `about ${reason}`, retryable, status });
}

/** Answers with an error of the transport. */
export function refuseWith(
  response: ServerResponse,
  status: number,
  reason: string,
  { retryable = false, headers = {} }: { retryable?: boolean; headers?: Record<string, string> } = {},
): true {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(errorBody(status, reason, retryable));
  return true;
}

/** Payloads in memory behind the transport's two routes, with whatever fault a test asks for. */
export class PayloadTransport {
  readonly payloads = new Map<string, StoredPayload>();
  readonly calls: PayloadCall[] = [];
  thresholdBytes = 1024;
  maxPayloadBytes = 64 * 1024 * 1024;
  requestTimeoutSeconds: unknown = 5;
  status = "available";
  /** What cluster info says instead of the manifest. */
  storage: unknown = undefined;
  fault: PayloadFault = () => false;
  private server: Loopback | undefined;
  private next = 0;

  /** Puts a payload into a namespace, as a client has it uploaded. */
  put(bytes: Buffer, namespace = "default", codec = "avro"): Reference {
    const hash = sha256(bytes);
    for (const [key, { reference }] of this.payloads) {
      if (key.startsWith(`${namespace} `) && reference.sha256 === hash) return reference;
    }
    let id = "";
    for (let n = ++this.next, i = 0; i < 26; i++, n = Math.floor(n / 32)) id = `${ALPHABET[n % 32]}${id}`;
    const reference = { schema: REFERENCE, reference_id: `ep_${id}`, codec, size_bytes: bytes.length, sha256: hash };
    this.payloads.set(`${namespace} ${reference.reference_id}`, { reference, bytes });
    return reference;
  }

  get(reference: unknown, namespace = "default"): StoredPayload | undefined {
    return this.payloads.get(`${namespace} ${(reference as Reference).reference_id}`);
  }

  callsOf(method: string): readonly PayloadCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** For cluster info: `namespace`. */
  namespaceInfo(): Record<string, unknown> {
    return { external_payload_storage: this.storage ?? this.manifest() };
  }

  manifest(): Record<string, unknown> {
    return {
      schema: "any",
      configured: true,
      enabled: true,
      status: this.status,
      threshold_bytes: this.thresholdBytes,
      provider_details_exposed: false,
      transport: {
        schema: "durable-workflow.v2.runtime-external-payload-transport.v1",
        version: 1,
        reference_schema: REFERENCE,
        mode: "authenticated_namespace_runtime",
        upload: {
          method: "POST",
          path: ROUTE,
          completion_context: {
            schema: "durable-workflow.v2.payload-completion-context.v1",
            header: "X-Durable-Workflow-Payload-Completion",
          },
        },
        fetch: { method: "GET", path_template: `${ROUTE}/{referenceId}` },
        limits: { max_payload_bytes: this.maxPayloadBytes, request_timeout_seconds: this.requestTimeoutSeconds },
      },
    };
  }

  serves(path: string): boolean {
    return path.startsWith(ROUTE);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
    } catch {
      return;
    }
    const bytes = Buffer.concat(chunks);
    const { method = "", url: path = "", headers } = request;
    const call = { method, path, headers, bytes: bytes.length };
    this.calls.push(call);
    if (this.fault(call, response)) return;
    if (method === "GET") this.fetch(call, response);
    else this.upload(call, bytes, response);
  }

  private fetch({ path, headers }: PayloadCall, response: ServerResponse): void {
    const key = `${String(headers["x-namespace"])} ${path.split("/").at(-1)}`;
    const found = this.payloads.get(key);
    if (found === undefined) {
      refuseWith(response, 404, "external_payload_not_found");
      return;
    }
    response.writeHead(200, this.headersOf(found));
    response.end(found.bytes);
  }

  headersOf({ reference, bytes }: StoredPayload): Record<string, string> {
    return {
      "content-type": "application/octet-stream",
      "content-length": String(bytes.length),
      "x-durable-workflow-payload-codec": reference.codec,
      "x-durable-workflow-payload-size": String(reference.size_bytes),
      "x-durable-workflow-payload-sha256": reference.sha256,
    };
  }

  private upload({ headers }: PayloadCall, bytes: Buffer, response: ServerResponse): void {
    const type = headers["content-type"];
    if (type !== "application/octet-stream") {
      refuseWith(response, 415, "external_payload_unsupported");
      return;
    }
    const same =
      headers["x-durable-workflow-payload-codec"] === "avro" &&
      headers["x-durable-workflow-payload-size"] === String(bytes.length) &&
      headers["x-durable-workflow-payload-sha256"] === sha256(bytes);
    if (!same) {
      refuseWith(response, 422, "external_payload_integrity_mismatch");
      return;
    }
    const reference = this.put(bytes, String(headers["x-namespace"]));
    response.writeHead(201, { "content-type": "application/json" });
    const schema = "durable-workflow.v2.runtime-external-payload-upload.v1";
    response.end(JSON.stringify({ schema, transport_version: 1, reference }));
  }

  /** As a server of its own. */
  async start(): Promise<string> {
    this.server = await listen(createServer((request, response) => void this.handle(request, response)));
    return this.server.url;
  }

  async stop(): Promise<void> {
    await this.server?.close();
  }
}
