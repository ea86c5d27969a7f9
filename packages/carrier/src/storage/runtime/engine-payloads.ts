import {
  CLUSTER_INFO_PATH,
  PAYLOADS_PATH,
  type RuntimePayloadLimits,
  type RuntimePayloadReference,
  readRuntimePayloadLimits,
  readRuntimePayloadRefusal,
  readUploadedReference,
  runtimePayloadHeaders,
} from "../../protocol/runtime-payload.js";
import { readBody } from "../body.js";
import { sha256OfBytes } from "../digest.js";
import { isExternalPayloadIntegrityError } from "../errors.js";
import {
  dropBody,
  type PayloadFetch,
  type PayloadFetchInit,
  type PayloadFetchResponse,
  readJson,
} from "./engine-fetch.js";
import { RuntimePayloadError, unavailable } from "./payload-error.js";

export interface EnginePayloadsOptions {
  /** Without a slash at its end. */
  readonly serverUrl: string;
  readonly token: string | (() => string | Promise<string>);
  readonly namespace: string;
  readonly timeoutMs: number;
  readonly fetch: PayloadFetch | undefined;
}

/** 1.19 is the first whose engines keep payloads; those of later versions take it too. */
const PROTOCOL_VERSION = "1.19";
const TRIES = 3;
const FIRST_PAUSE_MS = 200;
/** An engine may change its mind: asked again after so long, as the released SDKs do. */
const FRESH_MS = 60_000;

type Send = Pick<PayloadFetchInit, "method" | "headers"> & { readonly body?: Uint8Array | undefined };

/** The engine's payloads of one namespace, over `fetch`. */
export class EnginePayloads {
  private readonly options: EnginePayloadsOptions;
  private limits: { readonly value: RuntimePayloadLimits; readonly freshUntil: number } | undefined;

  constructor(options: EnginePayloadsOptions) {
    this.options = options;
  }

  /** As they were last told; undefined before they were asked for. */
  get knownLimits(): RuntimePayloadLimits | undefined {
    return this.limits?.value;
  }

  /** @throws {RuntimePayloadError} (as a rejection) when the engine does not say; or the signal's reason */
  async readLimits(signal: AbortSignal | undefined): Promise<RuntimePayloadLimits> {
    if (this.limits !== undefined && performance.now() < this.limits.freshUntil) return this.limits.value;
    const request: Send = { method: "GET", headers: { Accept: "application/json" } };
    const value = await this.persist(signal, request, CLUSTER_INFO_PATH, async (response) => {
      if (response.status !== 200) throw await refusal(response);
      return readRuntimePayloadLimits(await readJson(response));
    });
    if (value === undefined) {
      const reason = "external_payload_unsupported";
      throw new RuntimePayloadError({ reason, retryable: false }, "How the engine keeps payloads is not known here.");
    }
    this.limits = { value, freshUntil: performance.now() + FRESH_MS };
    return value;
  }

  /** The bytes of a reference. Whoever calls it checks their SHA-256. @throws as {@link readLimits} */
  async fetch(reference: RuntimePayloadReference, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const headers = { Accept: "application/octet-stream", ...runtimePayloadHeaders(reference) };
    const path = `${PAYLOADS_PATH}/${reference.id}`;
    return this.persist(signal, { method: "GET", headers }, path, async (response, until) => {
      if (response.status !== 200) throw await refusal(response);
      if (response.body === null) throw unavailable("The engine answered without the payload.");
      return readBody(bytesOf(response.body), { expected: reference.sizeBytes, signal: until });
    });
  }

  /** @throws as {@link readLimits} */
  async upload(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<RuntimePayloadReference> {
    const metadata = { sizeBytes: bytes.length, sha256: await sha256OfBytes(bytes) };
    const headers = {
      Accept: "application/json",
      "Content-Type": "application/octet-stream",
      ...runtimePayloadHeaders(metadata),
    };
    return this.persist(signal, { method: "POST", headers, body: bytes }, PAYLOADS_PATH, async (response) => {
      if (response.status < 200 || response.status >= 300) throw await refusal(response);
      const reference = readUploadedReference(await readJson(response), metadata);
      if (reference === undefined) throw unavailable("The engine's answer is not about the payload that was uploaded.");
      return reference;
    });
  }

  /** Up to three tries, of what may pass. */
  private async persist<T>(
    signal: AbortSignal | undefined,
    send: Send,
    path: string,
    read: (response: PayloadFetchResponse, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.send(signal, send, path, read);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof RuntimePayloadError) || !error.retryable || tries === TRIES) throw error;
      }
      await pause(FIRST_PAUSE_MS * 2 ** (tries - 1) * (1 + Math.random() / 4), signal);
    }
  }

  private async send<T>(
    outer: AbortSignal | undefined,
    { method, headers, body }: Send,
    path: string,
    read: (response: PayloadFetchResponse, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { serverUrl, namespace, timeoutMs } = this.options;
    const controller = new AbortController();
    const forward = (): void => controller.abort();
    const timer = setTimeout(forward, timeoutMs);
    outer?.addEventListener("abort", forward, { once: true });
    try {
      const bearer = await this.bearer();
      outer?.throwIfAborted();
      const fetch = this.options.fetch ?? (globalThis as { readonly fetch?: PayloadFetch }).fetch;
      if (fetch === undefined) throw unavailable("There is no global fetch: give one.");
      const response = await fetch(serverUrl + path, {
        method,
        headers: {
          Authorization: `Bearer ${bearer}`,
          "X-Namespace": namespace,
          "X-Durable-Workflow-Protocol-Version": PROTOCOL_VERSION,
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
        // Not "error", which Cloudflare does not know.
        redirect: "manual",
        signal: controller.signal,
      });
      return await read(response, controller.signal);
    } catch (error) {
      outer?.throwIfAborted();
      if (error instanceof RuntimePayloadError || isExternalPayloadIntegrityError(error)) throw error;
      // The error itself stays here: it may hold the request, and so the token.
      throw unavailable(controller.signal.aborted ? `The engine did not answer within ${timeoutMs} ms.` : UNREACHABLE);
    } finally {
      clearTimeout(timer);
      outer?.removeEventListener("abort", forward);
    }
  }

  private async bearer(): Promise<string> {
    const { token } = this.options;
    const given: unknown = typeof token === "function" ? await token() : token;
    if (isHeaderValue(given)) return given;
    throw unavailable("There is no token for the engine: the function gave no string of visible ASCII characters.");
  }
}

const UNREACHABLE = "The engine could not be reached.";

/** Whether a header can carry it, without white space. */
export function isHeaderValue(value: unknown): value is string {
  return typeof value === "string" && /^[!-~]+$/.test(value);
}

/** Final is what the engine says of the payload in its own terms, and nothing else. */
async function refusal(response: PayloadFetchResponse): Promise<RuntimePayloadError> {
  const { status } = response;
  if (status >= 300 && status < 400) await dropBody(response);
  const said = readRuntimePayloadRefusal(status >= 300 && status < 400 ? undefined : await readJson(response));
  const what = `The engine answered ${status}${said === undefined ? "" : ` (${said.reason})`} about the payload.`;
  // A token may be replaced, and what is out of order may be mended.
  const mayPass = said === undefined || said.retryable || status === 401 || status >= 500;
  return new RuntimePayloadError({ reason: said?.reason ?? "external_payload_unavailable", retryable: mayPass }, what);
}

async function* bytesOf(body: NonNullable<PayloadFetchResponse["body"]>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}
