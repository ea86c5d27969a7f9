import { demandsOf } from "@durable-workflow/engine-protocol";
import {
  holdsRuntimePayload,
  type RuntimePayloadReference,
  readRuntimePayloadEnvelope,
} from "@durable-workflow/engine-protocol/external-payloads";
import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { BlobPayload } from "../net/blob-bytes.js";
import type { ByteBudget, Held } from "./byte-budget.js";
import type { FetchOutcome, PayloadExchange, PayloadRefused } from "./exchange.js";
import type { CachedKey, PayloadCache } from "./payload-cache.js";
import type { PayloadPolicies } from "./policies.js";
import { type PayloadPatience, persist } from "./retrying.js";

/** What became of the arguments of a task. */
export type ResolvedArguments =
  /** They are no reference of the engine's: passed on as they are. */
  | { readonly kind: "as_sent" }
  | { readonly kind: "fetched"; readonly payload: BlobPayload; readonly held: Held }
  | PayloadRefused
  /** The lease or a deadline has ended before they could be had. */
  | { readonly kind: "gone" };

export interface FetchingOptions {
  readonly exchange: Pick<PayloadExchange, "fetch">;
  readonly policies: PayloadPolicies;
  readonly cache: PayloadCache<FetchOutcome>;
  readonly budget: ByteBudget;
}

/** Where no manifest says how much: what one string of V8 can hold, about. */
const MOST_BYTES = 512 * 1024 * 1024;
const DEFAULT_TIMEOUT_SECONDS = 60;

/** Fetches arguments that a task holds by reference. */
export class ArgumentFetcher {
  private readonly options: FetchingOptions;

  constructor(options: FetchingOptions) {
    this.options = options;
  }

  /** Never rejects. What is held of the budget is the caller's to give back. */
  async resolve(task: LeasedTask, patience: PayloadPatience): Promise<ResolvedArguments> {
    if (!holdsRuntimePayload(task.arguments)) return { kind: "as_sent" };
    const read = readRuntimePayloadEnvelope(task.arguments, "arguments");
    if (read.reference === undefined) {
      return { kind: "refused", reason: read.refusal, message: demandsOf(read.violations) };
    }
    const { reference } = read;
    const { budget } = this.options;
    const tooLarge = await this.refusalOf(task.namespace, reference);
    if (tooLarge !== undefined) return tooLarge;
    const held = await budget.acquire(reference.size_bytes, patience.signal);
    if (held === undefined) return { kind: "gone" };
    const outcome = await persist(patience, () => this.fetchOnce(task.namespace, reference, patience));
    if (outcome?.kind === "fetched") {
      return { kind: "fetched", payload: { codec: reference.codec, bytes: outcome.bytes }, held };
    }
    held.release();
    return outcome ?? { kind: "gone" };
  }

  /** Why a payload is not even asked for. */
  private async refusalOf(namespace: string, reference: RuntimePayloadReference): Promise<PayloadRefused | undefined> {
    const policy = await this.options.policies.current(namespace);
    if (policy?.state === "unusable") {
      const message = `the engine's way of keeping payloads is not known here: ${policy.problem}`;
      return { kind: "refused", reason: "external_payload_unsupported", message };
    }
    const most = policy?.state === "on" ? Math.min(policy.transport.maxPayloadBytes, MOST_BYTES) : MOST_BYTES;
    if (reference.size_bytes <= most) return undefined;
    const message = `it has ${reference.size_bytes} bytes, where at most ${most} are fetched`;
    return { kind: "refused", reason: "external_payload_oversized", message };
  }

  private async fetchOnce(
    namespace: string,
    reference: RuntimePayloadReference,
    { signal }: PayloadPatience,
  ): Promise<FetchOutcome | undefined> {
    const { cache, exchange, policies } = this.options;
    const key: CachedKey = {
      namespace,
      referenceId: reference.reference_id,
      sha256: reference.sha256,
      sizeBytes: reference.size_bytes,
    };
    const bytes = cache.get(key);
    if (bytes !== undefined) return { kind: "fetched", bytes };
    const policy = await policies.current(namespace);
    const seconds = policy?.state === "on" ? policy.transport.requestTimeoutSeconds : DEFAULT_TIMEOUT_SECONDS;
    return cache.once(
      key,
      (until) => exchange.fetch(namespace, reference, { timeoutMs: seconds * 1000, signal: until }),
      signal,
    );
  }
}
