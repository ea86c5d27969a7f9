import { type AvroValue, decodeAvroValue, isPayloadError } from "@durable-workflow/carrier/payload";
import type { Answer } from "./line-peer.js";
import { type Notation, normalised, toNotation } from "./notation.js";

/** What became of a frame: the value that it holds, or the code of the error and, of ours, all that it says. */
export type Verdict = { readonly value: Notation } | { readonly code: string; readonly message?: string };

export function ourVerdict(blob: string): Verdict {
  try {
    return { value: toNotation(decodeAvroValue(blob, { lossless: true })) };
  } catch (error) {
    if (!isPayloadError(error)) throw error;
    return { code: error.code, message: error.message.replace(/ \(at byte .*$/s, "") };
  }
}

/** Peers put the code at the front of their message, some behind the name of an error. */
export function peerVerdict(answer: Answer): Verdict {
  if (typeof answer === "string") return { code: answer };
  if (answer["error"] === undefined) return { value: normalised(answer["value"] as Notation) };
  const message = String(answer["error"]);
  return { code: /(?:^|: )([a-z]+(?:_[a-z0-9]+)+)(?::|$)/.exec(message)?.[1] ?? message };
}

/** How two verdicts differ. */
export interface Difference {
  /** `a value`, or what our error says. */
  readonly ours: string;
  /** `a value`, `another value`, or the code of the peer's error. */
  readonly theirs: string;
}

/** Undefined where both say the same, in value or code. */
export function difference(ours: Verdict, theirs: Verdict): Difference | undefined {
  if ("value" in ours && "value" in theirs) {
    const same = JSON.stringify(ours.value) === JSON.stringify(theirs.value);
    return same ? undefined : { ours: "a value", theirs: "another value" };
  }
  if ("code" in ours && "code" in theirs && ours.code === theirs.code) return undefined;
  const said = "code" in ours ? (ours.message ?? ours.code) : "a value";
  return { ours: said, theirs: "code" in theirs ? theirs.code : "a value" };
}

export function notationOf(value: AvroValue): Notation {
  return toNotation(value);
}
