import { decodePayload, encodeAvroValue, isPayloadError } from "@durable-workflow/carrier/payload";
import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import { isObject } from "@durable-workflow/engine-protocol";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import { ClientError } from "../errors/client-error.js";
import type { ActivityHandle } from "../handle.js";
import type { Bounds, Engine } from "../wire/engine.js";
import type { LargePayloads } from "./large-payloads.js";
import { unreadable } from "./unreadable.js";

/** Smaller ones are sent without asking what the engine takes. */
const ASK_FROM_BYTES = 65_536;

/** Arguments and results between values and the wire. What is large goes and comes apart from the request. */
export class Payloads {
  private readonly engine: Engine;
  private loaded: LargePayloads | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** @throws {ClientError} `invalid` for a value that has no form, `payload_too_large`, and those of any call */
  async outgoing(type: string, args: readonly unknown[], bounds: Bounds): Promise<NonNullable<StartRequest["input"]>> {
    const blob = encoded(type, args);
    if (blob.length <= ASK_FROM_BYTES) return { codec: AVRO_CODEC, blob };
    return (await this.large()).outgoing(type, args, blob, bounds);
  }

  /** @throws {ClientError} `payload_unavailable`, `payload_invalid` */
  async incoming(envelope: unknown, handle: ActivityHandle<unknown>, signal: AbortSignal): Promise<unknown> {
    if (envelope === undefined || envelope === null) return null;
    const isInline = !isObject(envelope) || "blob" in envelope;
    const held = isInline ? envelope : await (await this.large()).fetched(envelope, handle, signal);
    try {
      return decodePayload(held);
    } catch (error) {
      throw unreadable(handle, isPayloadError(error) ? error.message : "it cannot be decoded", error);
    }
  }

  /** Most never need it: it is no part of what is loaded at first. */
  private async large(): Promise<LargePayloads> {
    const { LargePayloads: Large } = await import("./large-payloads.js");
    this.loaded ??= new Large(this.engine);
    return this.loaded;
  }
}

function encoded(type: string, args: readonly unknown[]): string {
  try {
    return encodeAvroValue(args);
  } catch (error) {
    if (!isPayloadError(error)) throw error;
    throw new ClientError("invalid", `the arguments of ${type} cannot be sent: ${error.message}`, { cause: error });
  }
}
