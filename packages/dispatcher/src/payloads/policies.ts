import { demandsOf } from "@durable-workflow/engine-protocol";
import { type PayloadTransport, readPayloadTransport } from "@durable-workflow/engine-protocol/external-payloads";
import type { EngineAnswer } from "../engine/reply.js";
import type { Clock } from "../time/clock.js";

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
   * Undefined where no answer has ever come.
   */
  async current(namespace: string): Promise<PayloadPolicy | undefined> {
    const known = this.knownOf(namespace);
    if (this.options.clock.monotonic() >= known.freshUntil) {
      known.asking ??= this.ask(namespace, known).finally(() => {
        known.asking = undefined;
      });
      // Nobody waits for news.
      if (known.policy === undefined) await known.asking;
    }
    return known.policy;
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
    const isAnswer = answer.kind === "reply" && answer.status === 200;
    known.freshUntil = clock.monotonic() + (isAnswer ? FRESH_MS : RETRY_MS);
    if (!isAnswer) return;
    const policy = policyOf(answer.body);
    known.policy = policy;
    const news = JSON.stringify(policy);
    if (news === known.told) return;
    known.told = news;
    onChange?.(namespace, policy);
  }
}

function policyOf(clusterInfo: unknown): PayloadPolicy {
  const { transport, violations } = readPayloadTransport(clusterInfo);
  if (violations !== undefined) return { state: "unusable", problem: demandsOf(violations) };
  return transport === null ? { state: "off" } : { state: "on", transport };
}
