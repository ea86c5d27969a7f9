import { demandsOf } from "@durable-workflow/engine-protocol";
import { type PayloadTransport, readPayloadTransport } from "@durable-workflow/engine-protocol/external-payloads";
import type { EngineAnswer, EngineReply } from "../engine/reply.js";
import { type Clock, pause } from "../time/clock.js";

/** What an engine does with large payloads of a namespace. */
export type PayloadPolicy =
  /** Everything goes inline. */
  | { readonly state: "off" }
  | { readonly state: "on"; readonly transport: PayloadTransport }
  /** It has a way that this dispatcher does not know. */
  | { readonly state: "unusable"; readonly problem: string };

export interface PolicyOptions {
  /** Asks for cluster info, in a namespace. */
  readonly read: (namespace: string) => Promise<EngineAnswer>;
  readonly clock: Clock;
  /** Told of what is new. */
  readonly onChange?: (namespace: string, policy: PayloadPolicy) => void;
}

/** An engine may change its mind: asked again after so long, as the released SDKs do. */
const FRESH_MS = 60_000;
/** How long a task waits to know, where nothing is known. */
const PATIENCE_MS = 2_000;
/** After a question without an answer. */
const RETRY_MS = 5_000;

interface Known {
  policy: PayloadPolicy | undefined;
  freshUntil: number;
  asking: Promise<void> | undefined;
  /** What was told last. */
  told: string;
}

/** What is known of large payloads, by namespace. */
export class PayloadPolicies {
  private readonly options: PolicyOptions;
  private readonly namespaces = new Map<string, Known>();

  constructor(options: PolicyOptions) {
    this.options = options;
  }

  /**
   * What holds for a namespace. What is a minute old is asked for again, and counts meanwhile and where no answer comes.
   * Undefined where no answer has ever come: the first is waited for two seconds, not more.
   */
  async current(namespace: string): Promise<PayloadPolicy | undefined> {
    const known = this.knownOf(namespace);
    if (this.options.clock.monotonic() >= known.freshUntil) {
      known.asking ??= this.ask(namespace, known).finally(() => {
        known.asking = undefined;
      });
      // Nobody waits for news.
      if (known.policy === undefined) await this.shortly(known.asking);
    }
    return known.policy;
  }

  /** What is known, where that need not be asked for again. */
  fresh(namespace: string): PayloadPolicy | undefined {
    const known = this.namespaces.get(namespace);
    return known !== undefined && this.options.clock.monotonic() < known.freshUntil ? known.policy : undefined;
  }

  private async shortly(asking: Promise<void>): Promise<void> {
    const answered = new AbortController();
    await Promise.race([asking.then(() => answered.abort()), pause(this.options.clock, PATIENCE_MS, answered.signal)]);
  }

  /** Something has shown that what is known does not hold any more. */
  doubt(namespace: string): void {
    this.knownOf(namespace).freshUntil = Number.NEGATIVE_INFINITY;
  }

  private knownOf(namespace: string): Known {
    let known = this.namespaces.get(namespace);
    if (known === undefined) {
      known = { policy: undefined, freshUntil: Number.NEGATIVE_INFINITY, asking: undefined, told: "" };
      this.namespaces.set(namespace, known);
    }
    return known;
  }

  private async ask(namespace: string, known: Known): Promise<void> {
    const { read, clock, onChange } = this.options;
    const answer = await read(namespace);
    const policy = answer.kind === "reply" ? policyOf(answer) : undefined;
    known.freshUntil = clock.monotonic() + (policy === undefined ? RETRY_MS : FRESH_MS);
    if (policy === undefined) return;
    known.policy = policy;
    const news = JSON.stringify(policy);
    if (news === known.told) return;
    known.told = news;
    onChange?.(namespace, policy);
  }
}

/** Undefined for an answer that says nothing about it. An engine without cluster info is older than all this. */
function policyOf({ status, body }: EngineReply): PayloadPolicy | undefined {
  if (status === 404 || status === 405) return { state: "off" };
  if (status !== 200) return undefined;
  const { transport, violations } = readPayloadTransport(body);
  if (violations !== undefined) return { state: "unusable", problem: demandsOf(violations) };
  return transport === null ? { state: "off" } : { state: "on", transport };
}
