import type { Dispatcher } from "undici";
import { createAgent } from "../net/agents.js";
import type { BoundedBytes } from "../net/bounded-body.js";
import { type AnswerHead, BoundedRequest, type RequestToSend } from "../net/bounded-request.js";
import { LentMemory } from "../net/lent-memory.js";
import type { Proxies } from "../net/proxies.js";

/** More than any answer of an engine: a payload of 2 MiB in base64, and room. */
const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;

/** What is asked of an engine. */
export interface WireRequest {
  readonly method: RequestToSend["method"];
  /** From `/api` on. */
  readonly path: string;
  /** Names in lower case and values, in turn. */
  readonly headers: readonly string[];
  readonly body?: string | Uint8Array | undefined;
}

/** What came back: bytes, or text where there were none on the way. */
export interface WireAnswer {
  readonly head: AnswerHead;
  readonly read: BoundedBytes | { readonly text: string };
}

/** One request on its way. */
export interface WireExchange {
  /** Rejects with what was wrong where no answer has begun, and with an `AbortError` once it was called off. */
  readonly answer: Promise<WireAnswer>;
  callOff(): void;
}

/** The way to an engine. */
export interface EngineWire {
  /** @param onHead told when the answer begins */
  ask(request: WireRequest, onHead: () => void): WireExchange;
  /** Ends what is on its way, too. */
  close(): Promise<void>;
}

/** Over HTTP. Redirects are not followed. Each held poll has a connection of its own, so that their number is not limited. */
export class HttpWire implements EngineWire {
  private readonly agent: Dispatcher;
  private readonly origin: string;
  private readonly basePath: string;
  private readonly memory = new LentMemory();

  constructor(serverUrl: string, tlsVerify: boolean, proxies: Proxies | undefined) {
    const url = new URL(serverUrl);
    this.basePath = url.pathname.replace(/\/+$/, "");
    this.origin = url.origin;
    this.agent = createAgent({ rejectUnauthorized: tlsVerify, timeout: 10_000 }, proxies?.proxyFor(url));
  }

  ask({ method, path, headers, body }: WireRequest, onHead: () => void): WireExchange {
    const request = new BoundedRequest({
      limitBytes: ANSWER_LIMIT_BYTES,
      memory: this.memory,
      onHead: () => {
        onHead();
        return true;
      },
    });
    const { origin, basePath } = this;
    void request.send(this.agent, { origin, method, path: basePath + path, headers, body });
    return request;
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}
