import type { JSX } from "preact";
import type { ActivityOptions } from "../../api/index.js";

/** Options as somebody types them. */
export type OptionTexts = Readonly<
  Record<
    "maxAttempts" | "backoff" | "nonRetryable" | "startToClose" | "scheduleToStart" | "scheduleToClose" | "heartbeat",
    string
  >
>;

export const NO_OPTIONS: OptionTexts = {
  maxAttempts: "",
  backoff: "",
  nonRetryable: "",
  startToClose: "",
  scheduleToStart: "",
  scheduleToClose: "",
  heartbeat: "",
};

const FIELDS: readonly (readonly [keyof OptionTexts, string, string])[] = [
  ["maxAttempts", "Tries, at most", "1"],
  ["backoff", "Backoff, seconds each", "0, 1, 5"],
  ["nonRetryable", "Types never retried", "ValidationError, …"],
  ["startToClose", "Start to close, s", "none"],
  ["scheduleToStart", "Schedule to start, s", "none"],
  ["scheduleToClose", "Schedule to close, s", "none"],
  ["heartbeat", "Heartbeat, s", "none"],
];

const TIMEOUTS = {
  startToClose: "startToCloseSeconds",
  scheduleToStart: "scheduleToStartSeconds",
  scheduleToClose: "scheduleToCloseSeconds",
  heartbeat: "heartbeatSeconds",
} as const;

function listed(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function whole(text: string): boolean {
  return /^\d{1,9}$/.test(text.trim());
}

/** Reads them; the engine has the last word on their bounds. */
export function readOptions(texts: OptionTexts): {
  readonly options: Partial<ActivityOptions> | undefined;
  readonly problem: string | null;
} {
  if (texts.maxAttempts.trim() !== "" && !whole(texts.maxAttempts)) return refused("Tries are a whole number.");
  const backoff = listed(texts.backoff);
  if (!backoff.every(whole)) return refused("Backoff is whole seconds, separated by commas.");
  const types = listed(texts.nonRetryable);
  const timeouts: Partial<Record<(typeof TIMEOUTS)[keyof typeof TIMEOUTS], number>> = {};
  for (const [name, field] of Object.entries(TIMEOUTS) as [
    keyof typeof TIMEOUTS,
    (typeof TIMEOUTS)[keyof typeof TIMEOUTS],
  ][]) {
    const text = texts[name].trim();
    if (text === "") continue;
    if (!whole(text)) return refused("Timeouts are whole seconds.");
    timeouts[field] = Number(text);
  }
  const options = {
    ...(texts.maxAttempts.trim() !== "" && { maxAttempts: Number(texts.maxAttempts) }),
    ...(backoff.length > 0 && { backoffSeconds: backoff.map(Number) }),
    ...(types.length > 0 && { nonRetryableErrorTypes: types }),
    ...timeouts,
  };
  return { options, problem: null };
}

function refused(problem: string): { options: undefined; problem: string } {
  return { options: undefined, problem };
}

export function OptionFields({
  options,
  onChange,
}: {
  options: OptionTexts;
  onChange: (options: OptionTexts) => void;
}): JSX.Element {
  return (
    <details>
      <summary>Tries, backoff, timeouts</summary>
      <div class="fields">
        {FIELDS.map(([name, label, placeholder]) => (
          <label key={name} class="field">
            <span>{label}</span>
            <input
              type="text"
              placeholder={placeholder}
              value={options[name]}
              autocomplete="off"
              onInput={(event) => {
                onChange({ ...options, [name]: event.currentTarget.value });
              }}
            />
          </label>
        ))}
      </div>
    </details>
  );
}
