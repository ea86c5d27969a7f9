import { isVisibleText, recordableText } from "./recordable-text.js";

/** How far a handler got, for people who watch. Every field is optional. */
export interface HeartbeatProgress {
  readonly message?: string;
  /** >= 0. */
  readonly current?: number;
  /** >= 0. */
  readonly total?: number;
  /** What `current` and `total` count: `rows`, `bytes`. */
  readonly unit?: string;
  /** A flat map of a few scalars. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The engine's limits. It answers a bare 500 to what breaks them. Its lengths are taken for UTF-16 units: the safe side. */
const LONGEST_MESSAGE = 280;
const LONGEST_UNIT = 64;
const MOST_DETAILS = 20;
const LONGEST_KEY = 64;
const LONGEST_VALUE = 191;

/** The same for whoever checks them: characters, and `details` entries. */
export const PROGRESS_LIMITS = {
  message: LONGEST_MESSAGE,
  unit: LONGEST_UNIT,
  details: MOST_DETAILS,
  detailKey: LONGEST_KEY,
  detailValue: LONGEST_VALUE,
} as const;

/** How many changed fields are named. */
const MOST_NAMED = 25;

type Scalar = string | number | boolean | null;

export interface SanitizedHeartbeatProgress {
  /** What the engine takes, sharing nothing with what was given. Undefined when nothing is left. */
  readonly progress: HeartbeatProgress | undefined;
  /** What had to be altered or left out, by name only: `unit`, `details.row_id`. Empty when all was well. */
  readonly changed: readonly string[];
}

/**
 * Makes of any value a progress within the engine's limits, and never throws.
 *
 * `message` and `unit` are cut to 280 and 64 characters, and left out when there is nothing to see in them; so is `unit`
 * without `current` or `total`, and a count that is no finite number >= 0. `details` keeps its first 20 entries: of keys,
 * characters other than letters, digits and `_.:-` become `_`, those made of digits get a `_` in front (PHP would take
 * them for positions in a list), and one that is taken already is dropped. Values are scalars: text is cut to 191
 * characters, a nested value becomes its JSON, cut likewise, a Date its ISO text, a bigint a number where that is exact,
 * else text, and NaN and the infinities null.
 */
export function sanitizeHeartbeatProgress(progress: unknown): SanitizedHeartbeatProgress {
  const changed: string[] = [];
  const note = (name: string): void => {
    if (changed.length < MOST_NAMED && !changed.includes(name)) changed.push(name);
  };
  if (progress === undefined || progress === null) return { progress: undefined, changed };

  const taken: [string, unknown][] = [];
  const take = (name: keyof HeartbeatProgress, fit: (value: unknown) => unknown): void => {
    const fitting = takeProperty(progress, name, fit, () => note(name));
    if (fitting !== undefined) taken.push([name, fitting]);
  };
  if (typeof progress === "object") {
    take("message", (value) => fitText(value, LONGEST_MESSAGE));
    take("current", fitCount);
    take("total", fitCount);
    const counts = taken.some(([name]) => name !== "message");
    take("unit", (value) => (counts ? fitText(value, LONGEST_UNIT) : undefined));
    take("details", (value) => fitDetails(value, note));
  } else {
    note("progress");
  }
  return { progress: taken.length === 0 ? undefined : (Object.fromEntries(taken) as HeartbeatProgress), changed };
}

/**
 * A property made to fit. Undefined when there is none, or none that fits.
 *
 * @param onChange told when what fits is not what was there
 */
function takeProperty<T>(
  holder: object,
  name: string,
  fit: (value: unknown) => T | undefined,
  onChange: () => void,
): T | undefined {
  try {
    const value: unknown = Reflect.get(holder, name);
    if (value === undefined) return undefined;
    const fitting = fit(value);
    // A field that is null is not set. Details are always made anew, and tell themselves what they changed.
    const isSame = Object.is(fitting, value) || (fitting === undefined && value === null);
    if (!isSame && (typeof fitting !== "object" || fitting === null)) onChange();
    return fitting;
  } catch {
    // A getter or proxy that throws, a value whose JSON has no end.
    onChange();
    return undefined;
  }
}

function fitText(value: unknown, longest: number): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = recordableText(value, longest);
  // Blanks and control characters alone are trimmed to nothing by the engine, which then refuses them.
  return isVisibleText(text) ? text : undefined;
}

function fitCount(value: unknown): number | undefined {
  const count = typeof value === "bigint" ? Number(value) : value;
  return typeof count === "number" && Number.isFinite(count) && count >= 0 ? count : undefined;
}

function fitDetails(details: unknown, note: (name: string) => void): Readonly<Record<string, Scalar>> | undefined {
  if (typeof details !== "object" || details === null) return undefined;
  const entries = new Map<string, Scalar>();
  for (const given of Object.keys(details)) {
    const key = fitKey(given);
    const name = `details.${key}`;
    const value = takeProperty(details, given, fitScalar, () => note(name));
    if (value === undefined) continue;
    if (entries.size === MOST_DETAILS || key === "") {
      note("details");
      if (key !== "") break;
    } else if (entries.has(key)) {
      note(name);
    } else {
      if (key !== given) note(name);
      entries.set(key, value);
    }
  }
  // A Map or an empty list has no entries: PHP could not tell an empty map from an empty list either.
  return entries.size === 0 ? undefined : Object.fromEntries(entries);
}

function fitKey(key: string): string {
  const fitting = recordableText(key, LONGEST_KEY).replaceAll(/[^\w.:-]/g, "_");
  return /^-?\d+$/.test(fitting) ? recordableText(`_${fitting}`, LONGEST_KEY) : fitting;
}

/** Undefined for what JSON has no word for. */
function fitScalar(value: unknown): Scalar | undefined {
  switch (typeof value) {
    case "string":
      return recordableText(value, LONGEST_VALUE);
    case "number":
      return Number.isFinite(value) ? value : null;
    case "boolean":
      return value;
    case "bigint": {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : recordableText(String(value), LONGEST_VALUE);
    }
    case "object":
      return value === null ? null : flatten(value);
    case "undefined":
    case "function":
    case "symbol":
      return undefined;
  }
}

/** The JSON of a nested value. What stands for a scalar in JSON, as a Date does, becomes that scalar. */
function flatten(value: object): Scalar | undefined {
  const json: string | undefined = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "bigint" ? fitScalar(inner) : inner,
  );
  if (json === undefined) return undefined;
  return json.startsWith("{") || json.startsWith("[")
    ? recordableText(json, LONGEST_VALUE)
    : fitScalar(JSON.parse(json));
}
