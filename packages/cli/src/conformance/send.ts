import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, EXTERNAL_TASK_RESULT_MEDIA_TYPE } from "@durable-workflow/carrier/protocol";
import type { ConformanceRequest } from "@durable-workflow/carrier/testing";
import type { Answer } from "../net/exchange.js";
import type { HttpClient } from "../net/http-client.js";

/** Where the carrier is, and how it is spoken to. */
export interface CarrierUnderTest {
  readonly http: HttpClient;
  readonly url: URL;
  readonly token: string | undefined;
  /** For one answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** @throws {NoAnswer} (as a rejection) */
export function sendRequest(
  { method = "POST", headers, document, body, anonymous }: ConformanceRequest,
  { http, url, token, timeoutMs, signal }: CarrierUnderTest,
): Promise<Answer> {
  return http.exchange(url, {
    method,
    headers: {
      "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE,
      accept: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
      ...headers,
    },
    token: anonymous === true ? undefined : token,
    body: body ?? (document === undefined ? undefined : JSON.stringify(document)),
    timeoutMs,
    signal,
  });
}
