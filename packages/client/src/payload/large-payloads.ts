import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import { sha256OfBytes } from "@durable-workflow/carrier/runtime-payloads";
import { demandsOf, fieldOf, integerField, PATHS, pathTo } from "@durable-workflow/engine-protocol";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import {
  metadataOf,
  PAYLOAD_MEDIA_TYPE,
  type PayloadTransport,
  payloadHeaders,
  type RuntimePayloadEnvelope,
  type RuntimePayloadReference,
  readPayloadTransport,
  readRuntimePayloadEnvelope,
  readUploadAnswer,
  runtimePayloadEnvelope,
} from "@durable-workflow/engine-protocol/external-payloads";
import { ClientError } from "../errors/client-error.js";
import type { ActivityHandle } from "../handle.js";
import type { Scope } from "../scope.js";
import { unreadable } from "../trouble/ask-again.js";
import { unreadableResult } from "../trouble/unreadable-result.js";
import type { Bounds, Engine } from "../wire/engine.js";

/** An engine may change its mind. */
const FRESH_MS = 60_000;

/** What an engine takes. */
interface Limits {
  /** Undefined where it keeps no payloads apart. */
  readonly transport: PayloadTransport | undefined;
  readonly maxInlineBytes: number;
  readonly freshUntil: number;
}

/** A payload of the contract in its request or answer. */
export interface InlinePayload {
  readonly codec: string;
  readonly blob: string;
}

/** Payloads that go and come apart from their request. Loaded when there is one. */
export class LargePayloads {
  private readonly engine: Engine;
  private known: Limits | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** @throws {ClientError} `payload_too_large`, `storage_refused`, and those of any call */
  outgoing(
    type: string,
    args: readonly unknown[],
    blob: string,
    bounds: Bounds,
  ): Promise<NonNullable<StartRequest["input"]>> {
    return this.sent(type, { codec: AVRO_CODEC, blob }, bounds, () => largestOf(args));
  }

  /** The same of arguments whose payload is made already. @param hint ends the sentence about one that is too large */
  async sent(
    type: string,
    payload: InlinePayload,
    bounds: Bounds,
    hint = (): string => "",
  ): Promise<NonNullable<StartRequest["input"]>> {
    const { transport, maxInlineBytes } = await this.limits(bounds);
    const bytes = payload.blob.length;
    const isKeptApart = transport !== undefined && bytes > transport.thresholdBytes;
    const limit = isKeptApart ? transport.maxPayloadBytes : maxInlineBytes;
    if (bytes > limit) {
      const told = `the arguments of ${type} have ${bytes} bytes, and the engine takes at most ${limit}${hint()}`;
      throw new ClientError("payload_too_large", told);
    }
    if (!isKeptApart) return payload;
    if (!transport.takesUploads) {
      const told = `the arguments of ${type} have ${bytes} bytes, and the engine's storage for such is ${transport.status}`;
      throw new ClientError("storage_refused", told, { retryable: true });
    }
    return this.upload(payload, bounds);
  }

  /** The envelope with the blob in place of the reference. @throws {ClientError} `payload_unavailable`, `payload_invalid` */
  async fetched(envelope: unknown, handle: ActivityHandle<unknown>, scope: Scope): Promise<unknown> {
    const { reference, ...read } = readRuntimePayloadEnvelope(envelope, "result");
    if (reference === undefined) {
      throw unreadableResult(handle, "violations" in read ? demandsOf(read.violations) : "its reference is not valid");
    }
    let payload: InlinePayload | undefined;
    try {
      payload = await this.download(
        reference,
        `fetching the result of ${handle.activityId}`,
        this.engine.bounds(scope),
      );
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      const { retryable, status, reason } = error;
      const more = { cause: error, retryable, status, reason, handle };
      throw new ClientError("payload_unavailable", `the activity succeeded, but ${error.message}`, more);
    }
    if (payload === undefined) throw unreadableResult(handle, "the bytes are not those that its reference speaks of");
    return payload;
  }

  /** Undefined where the bytes are not those that the reference speaks of. @throws {ClientError} those of any call */
  async download(reference: RuntimePayloadReference, what: string, bounds: Bounds): Promise<InlinePayload | undefined> {
    const { sizeBytes, sha256: expected } = metadataOf(reference);
    const request = { method: "GET", ...keptAt(reference), limitBytes: Math.max(sizeBytes, 65_536) } as const;
    const { bytes } = await this.engine.ask(request, { what }, bounds);
    if (bytes.length !== sizeBytes || (await sha256(bytes)) !== expected) return undefined;
    return { codec: reference.codec, blob: new TextDecoder().decode(bytes) };
  }

  private async upload({ codec, blob }: InlinePayload, bounds: Bounds): Promise<RuntimePayloadEnvelope> {
    const body = new TextEncoder().encode(blob);
    const metadata = { codec, sizeBytes: body.length, sha256: await sha256(body) };
    const headers = { "content-type": PAYLOAD_MEDIA_TYPE, ...lowerCased(payloadHeaders(metadata)) };
    // The same bytes have the same reference: it may be repeated.
    const request = { method: "POST", path: PATHS.payloads, headers, body } as const;
    const about = { what: "uploading the arguments" };
    const answer = await this.engine.ask(request, about, bounds);
    const { reference, violations } = readUploadAnswer(answer.document, metadata);
    if (reference !== undefined) return runtimePayloadEnvelope(reference);
    throw unreadable(this.engine, answer, about, demandsOf(violations));
  }

  private async limits(bounds: Bounds): Promise<Limits> {
    const now = this.engine.clock.monotonic();
    if (this.known !== undefined && now < this.known.freshUntil) return this.known;
    const about = { what: "asking what the engine takes" };
    const { document } = await this.engine.ask({ method: "GET", path: PATHS.clusterInfo }, about, bounds);
    const { transport, violations } = readPayloadTransport(document);
    if (violations !== undefined) {
      throw new ClientError(
        "invalid",
        `how the engine keeps large payloads is not known here: ${demandsOf(violations)}`,
      );
    }
    const most = integerField(fieldOf(document, "limits"), "max_payload_bytes") ?? Number.POSITIVE_INFINITY;
    this.known = { transport: transport ?? undefined, maxInlineBytes: most, freshUntil: now + FRESH_MS };
    return this.known;
  }
}

function largestOf(args: readonly unknown[]): string {
  const sizes = args.map((arg) => encodeAvroValue(arg).length);
  const largest = sizes.indexOf(Math.max(...sizes));
  return largest < 0 ? "" : `; the largest is argument ${largest} with ${sizes[largest]}`;
}

/** Where a payload is kept, and what is sent along to ask for it. */
export function keptAt(reference: RuntimePayloadReference): {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
} {
  return {
    path: pathTo(PATHS.payload, { reference: reference.reference_id }),
    headers: { accept: PAYLOAD_MEDIA_TYPE, ...lowerCased(payloadHeaders(metadataOf(reference))) },
  };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** @throws {ClientError} `payload_unavailable` without WebCrypto, as on pages without TLS */
async function sha256(bytes: Uint8Array): Promise<string> {
  try {
    return await sha256OfBytes(bytes);
  } catch (cause) {
    throw new ClientError("payload_unavailable", `payloads cannot be checked: ${(cause as Error).message}`, { cause });
  }
}
