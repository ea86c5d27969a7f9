import { inlinePayload } from "../payload/envelope.js";
import type { InvocableResultEnvelope } from "../protocol/wire.js";
import { InvocableHttpResponse } from "./message.js";

/** The most that a platform carries back. Over it the caller would get the platform's own error, and the work would be lost. */
export interface AnswerLimit {
  /** As it stands in the message. */
  readonly platform: string;
  readonly bytes: number;
  /** What an answer takes, as the platform counts it. */
  sizeOf(body: string): number;
}

/** The answer, or where it is over the limit a failure that says so, and what to do. */
export async function withinLimit(response: InvocableHttpResponse, limit: AnswerLimit): Promise<InvocableHttpResponse> {
  const { statusCode, headers, body } = response;
  // Nobody need count what is small.
  if (statusCode !== 200 || body.length * MOST_BYTES_PER_UNIT <= limit.bytes) return response;
  const size = limit.sizeOf(body);
  if (size <= limit.bytes) return response;
  const tooLarge = `The result takes ${size} bytes, over the ${limit.bytes} of ${limit.platform}: give the carrier externalStorage, or return less.`;
  const { withoutOversized } = await import("../activity/run/oversized-result.js");
  const fitting = withoutOversized(response.json() as InvocableResultEnvelope, tooLarge, inlinePayload);
  return new InvocableHttpResponse(statusCode, headers, JSON.stringify(fitting));
}

/** A UTF-16 unit, as UTF-8 or escaped twice. */
const MOST_BYTES_PER_UNIT = 7;

/** What a text takes as UTF-8. */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
