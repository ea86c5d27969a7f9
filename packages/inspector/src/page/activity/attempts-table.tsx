import type { JSX } from "preact";
import type { Attempt } from "../../api/index.js";
import { progressText } from "../parts/status.js";
import { ForeignLine, Ticking, When } from "../parts/text.js";
import { duration, ticking } from "../text/amounts.js";
import { readInstant } from "../text/instants.js";
import { visibleText } from "../text/visible.js";

const WORD: Readonly<Record<Attempt["status"], readonly [string, string]>> = {
  running: ["runs", "active"],
  succeeded: ["succeeded", "good"],
  failed: ["failed", "bad"],
  timed_out: ["timed out", "bad"],
  expired: ["lease ran out", "trouble"],
  cancelled: ["cancelled", "idle"],
  waited_out: ["no worker came", "idle"],
};

/** The attempts in words and numbers: what the timeline draws, for those who read it or have it read. */
export function AttemptsTable({
  attempts,
  chosen,
  onChoose,
}: {
  attempts: readonly Attempt[];
  chosen: number | undefined;
  onChoose: (attempt: number) => void;
}): JSX.Element {
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Attempts">
      <table class="attempts">
        <thead>
          <tr>
            <th scope="col">Try</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="number">
              Began
            </th>
            <th scope="col" class="number">
              Waited
            </th>
            <th scope="col" class="number">
              Ran
            </th>
            <th scope="col">Worker</th>
            <th scope="col">Progress</th>
            <th scope="col">Failure</th>
          </tr>
        </thead>
        <tbody>
          {attempts.map((attempt) => (
            <tr key={attempt.number} class={attempt.number === chosen ? "chosen" : ""}>
              <th scope="row">
                <button
                  type="button"
                  class="quiet"
                  aria-pressed={attempt.number === chosen}
                  aria-label={`Show try ${attempt.number}`}
                  onClick={() => {
                    onChoose(attempt.number);
                  }}
                >
                  {attempt.number}
                </button>
              </th>
              <td>
                <span class={`tag ${WORD[attempt.status][1]}`}>{WORD[attempt.status][0]}</span>
              </td>
              <td class="number">
                <When at={attempt.startedAt} />
              </td>
              <td class="number">{between(attempt.availableAt, attempt.startedAt ?? attempt.closedAt)}</td>
              <td class="number">
                <Ran attempt={attempt} />
              </td>
              <td>
                {attempt.worker === null ? (
                  <span class="muted">–</span>
                ) : (
                  <ForeignLine text={attempt.worker} class="worker" />
                )}
              </td>
              <td>
                {attempt.progress === null ? <span class="muted">–</span> : visibleText(progressText(attempt.progress))}
              </td>
              <td class="failure-cell">
                {attempt.failure === null ? (
                  <span class="muted">–</span>
                ) : (
                  <ForeignLine
                    text={[attempt.failure.type, attempt.failure.message].filter((part) => part !== null).join(": ")}
                  />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function between(from: string | null, to: string | null): string {
  const start = readInstant(from);
  const end = readInstant(to);
  return start === undefined || end === undefined ? "–" : duration(end - start);
}

function Ran({ attempt }: { attempt: Attempt }): JSX.Element {
  const started = readInstant(attempt.startedAt);
  if (started === undefined) return <span class="muted">–</span>;
  if (attempt.closedAt === null) return <Ticking write={(now) => ticking(now - started)} />;
  return <>{between(attempt.startedAt, attempt.closedAt)}</>;
}
