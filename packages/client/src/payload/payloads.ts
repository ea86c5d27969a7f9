import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import { isObject } from "@durable-workflow/engine-protocol";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import type { ActivityHandle } from "../handle.js";
import { largePayloads, trouble } from "../parts.js";
import type { Scope } from "../scope.js";
import { decodeInline } from "../wire/description.js";
import type { Bounds, Engine } from "../wire/engine.js";
import type { LargePayloads } from "./large-payloads.js";

/** Smaller ones are sent without asking what the engine takes. */
const ASK_FROM_BYTES = 65_536;

/** Arguments and results between values and the wire. What is large goes and comes apart from the request. */
export class Payloads {
  readonly #engine: Engine;
  #loaded: LargePayloads | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @throws {ClientError} `invalid` for a value that has no form, `payload_too_large`, and those of any call */
  async outgoing(type: string, args: readonly unknown[], bounds: Bounds): Promise<NonNullable<StartRequest["input"]>> {
    let blob: string;
    try {
      blob = encodeAvroValue(args);
    } catch (error) {
      throw (await trouble()).unsendable(type, error);
    }
    if (blob.length <= ASK_FROM_BYTES) return { codec: AVRO_CODEC, blob };
    return (await this.#large()).outgoing(type, args, blob, bounds);
  }

  /** @throws {ClientError} `payload_unavailable`, `payload_invalid` */
  async incoming(envelope: unknown, handle: ActivityHandle<unknown>, scope: Scope): Promise<unknown> {
    if (envelope === undefined || envelope === null) return null;
    const isInline = !isObject(envelope) || "blob" in envelope;
    const held = isInline ? envelope : await (await this.#large()).fetched(envelope, handle, scope);
    try {
      return decodeInline(held);
    } catch (error) {
      throw (await trouble()).unreadableResult(handle, (error as Error).message, error);
    }
  }

  async #large(): Promise<LargePayloads> {
    const { LargePayloads: Large } = await largePayloads();
    this.#loaded ??= new Large(this.#engine);
    return this.#loaded;
  }
}
