import type { About, Engine } from "../wire/engine.js";

/** What a request is about, and whom it was sent to, for errors. */
export interface Subject extends About {
  readonly url: string;
  readonly namespace: string;
  readonly acts: boolean;
  /** What others wrote, fit for an error: cut, on one line, without the token. */
  readonly shown: (text: string) => string;
}

const LONGEST_SHOWN = 500;

export function subjectOf({ url, namespace, connection }: Engine, { what, activityId, acts = false }: About): Subject {
  const shown = (text: string): string => {
    const { bearer } = connection;
    const scrubbed = bearer === "" ? text : text.replaceAll(bearer, "[redacted]");
    return scrubbed
      .replaceAll(/[\p{Cc}\s]+/gu, " ")
      .trim()
      .slice(0, LONGEST_SHOWN);
  };
  return { url, namespace, what, activityId, acts, shown };
}
