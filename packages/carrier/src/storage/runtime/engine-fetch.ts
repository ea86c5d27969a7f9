/** The part of `fetch` that is used here. */
export type PayloadFetch = (url: string, init: PayloadFetchInit) => Promise<PayloadFetchResponse>;

/** The part of a request of `fetch` that runtime payloads use. */
export interface PayloadFetchInit {
  readonly method: "GET" | "POST";
  readonly headers: Record<string, string>;
  readonly body?: Uint8Array;
  /** A redirect is not to be followed: the token would go with it. */
  readonly redirect: "manual";
  readonly signal: AbortSignal;
}

/** The part of a response of `fetch` that runtime payloads use. */
export interface PayloadFetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
      cancel(): Promise<void>;
    };
  } | null;
}

const ANSWER_LIMIT_BYTES = 1024 * 1024;

/** An answer as JSON; undefined for what is none, or longer than any answer of an engine. */
export async function readJson({ body }: PayloadFetchResponse): Promise<unknown> {
  const decoder = new TextDecoder();
  const reader = body?.getReader();
  let text = "";
  let size = 0;
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    size += next.value.length;
    if (size > ANSWER_LIMIT_BYTES) {
      await reader?.cancel();
      return undefined;
    }
    text += decoder.decode(next.value, { stream: true });
  }
  try {
    return JSON.parse(text + decoder.decode());
  } catch {
    return undefined;
  }
}

/** Lets go of a body that nobody reads. */
export async function dropBody({ body }: PayloadFetchResponse): Promise<void> {
  await body?.getReader().cancel();
}
