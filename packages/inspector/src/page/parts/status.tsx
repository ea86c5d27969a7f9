import type { JSX } from "preact";
import type { Progress, StatusWord } from "../../api/index.js";
import { visibleText } from "../text/visible.js";

/** Words that share a colour. The shape and the word tell them apart. */
export const FAMILY: Readonly<Record<StatusWord, "idle" | "active" | "trouble" | "good" | "bad">> = {
  queued: "idle",
  delayed: "idle",
  running: "active",
  retrying: "trouble",
  stalled: "trouble",
  succeeded: "good",
  failed: "bad",
  cancelled: "idle",
};

const STROKE = { fill: "none", stroke: "currentColor", "stroke-width": 1.7, "stroke-linecap": "round" } as const;

const SHAPES: Readonly<Record<StatusWord, JSX.Element>> = {
  queued: <circle cx="8" cy="8" r="5.2" {...STROKE} />,
  delayed: (
    <g {...STROKE}>
      <circle cx="8" cy="8" r="5.7" />
      <path d="M8 4.8V8l2.2 1.6" />
    </g>
  ),
  running: <path d="M4.5 2.8v10.4L13 8z" fill="currentColor" />,
  retrying: (
    <g {...STROKE}>
      <path d="M13 8a5 5 0 1 1-1.6-3.7" />
      <path d="M13.2 1.8v3.1h-3.1" />
    </g>
  ),
  stalled: (
    <g {...STROKE}>
      <path d="M8 2.2 14.4 13.4H1.6z" stroke-linejoin="round" />
      <path d="M8 6.4v3.2M8 11.5v.1" />
    </g>
  ),
  succeeded: (
    <g>
      <circle cx="8" cy="8" r="6.4" fill="currentColor" />
      <path d="m5 8.3 2.1 2.1L11 6.2" fill="none" stroke="var(--page)" stroke-width="1.8" stroke-linecap="round" />
    </g>
  ),
  failed: (
    <g>
      <rect x="2" y="2" width="12" height="12" rx="2" fill="currentColor" />
      <path d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" stroke="var(--page)" stroke-width="1.8" stroke-linecap="round" />
    </g>
  ),
  cancelled: (
    <g {...STROKE}>
      <circle cx="8" cy="8" r="5.7" />
      <path d="m4.2 11.8 7.6-7.6" />
    </g>
  ),
};

export function StatusIcon({ word }: { word: StatusWord }): JSX.Element {
  return (
    <svg class={`icon ${FAMILY[word]}`} width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[word]}
    </svg>
  );
}

/** The one way to show where an activity stands: shape, colour and word. */
export function Status({ word, closedReason = null }: { word: StatusWord; closedReason?: string | null }): JSX.Element {
  const reason = closedReason === "timed_out" ? "timed out" : closedReason === "terminated" ? "terminated" : undefined;
  return (
    <span class={`status ${FAMILY[word]}`} title={reason}>
      <StatusIcon word={word} />
      <span>{reason ?? word}</span>
    </span>
  );
}

/** How far it is, as a bar with its numbers; a message alone where there are none. */
export function ProgressBar({
  progress,
  name = "Progress",
}: {
  progress: Progress | null;
  name?: string;
}): JSX.Element {
  if (progress === null) return <span class="muted">–</span>;
  const { current, total, unit, message } = progress;
  const text = progressText(progress);
  if (current === null || total === null || total <= 0) {
    return (
      <span class="cut" title={visibleText(message ?? text)}>
        <bdi>{visibleText(text)}</bdi>
      </span>
    );
  }
  const share = Math.min(1, Math.max(0, current / total));
  return (
    <span class="progress" title={visibleText([text, message ?? ""].filter((part) => part !== "").join(" · "))}>
      <span
        class="track"
        role="progressbar"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={Math.min(total, Math.max(0, current))}
        aria-valuetext={visibleText(`${current} of ${total}${unit === null ? "" : ` ${unit}`}`)}
      >
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span class="number">{Math.floor(share * 100)} %</span>
    </span>
  );
}

export function progressText({ current, total, unit, message }: Progress): string {
  const suffix = unit === null ? "" : ` ${unit}`;
  if (current !== null && total !== null) return `${current} of ${total}${suffix}`;
  if (current !== null) return `${current}${suffix}`;
  return message ?? "–";
}
