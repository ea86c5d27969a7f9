import { jittered, sleep } from "../clock.js";
import { ClientError } from "../errors/client-error.js";
import type { Answer, NoAnswer } from "../wire/connection.js";
import {
  type About,
  type Bounds,
  type Engine,
  isSuccess,
  type Repeating,
  type Request,
  TRIES,
} from "../wire/engine.js";
import { refusal } from "./refusal.js";
import { subjectOf } from "./subject.js";
import { unanswered } from "./unanswered.js";

export const FIRST_PAUSE_MS = 100;

/** Asks until there is an answer of success, after a first try without one. @throws {ClientError} when there is none */
export async function askAgain(
  engine: Engine,
  request: Request,
  about: About,
  bounds: Bounds,
  first: Answer | NoAnswer,
  { tries = TRIES, moreMs = 0, onRepeat }: Repeating = {},
): Promise<Answer> {
  const subject = subjectOf(engine, about);
  let answer = first;
  for (let count = 1; !isSuccess(answer); count++) {
    const trouble = answer.why === undefined ? refusal(answer, subject) : unanswered(answer, subject);
    const pause = Math.max(jittered(FIRST_PAUSE_MS * 2 ** (count - 1)), trouble.retryAfterMs ?? 0);
    if (!trouble.retryable || count >= tries || pause >= engine.left(bounds)) throw trouble;
    await sleep(engine.clock, pause, bounds.scope);
    if (trouble.mayHaveActed) onRepeat?.();
    answer = await engine.once(request, bounds, moreMs);
  }
  return answer;
}

/** What is no answer of an engine's, and perhaps why it is none. */
export function unreadable({ url }: Engine, { status }: Answer, { what }: About, why?: string): ClientError {
  const told = `${what}: ${url} answers ${status} as no engine does${why === undefined ? "" : `: ${why}`}. Is it the engine's own address?`;
  return new ClientError("not_an_engine", told, { status });
}
