/** A payload value with its kind, as the notation of the engine's tools tells it (see `Payload.json` of the API). */
export type TypedValue =
  | { readonly kind: "null" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "text"; readonly text: string }
  /** Digits, exact. */
  | { readonly kind: "long"; readonly digits: string }
  | { readonly kind: "double"; readonly digits: string }
  | { readonly kind: "bytes"; readonly base64: string; readonly size: number }
  | { readonly kind: "list"; readonly items: readonly unknown[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [string, unknown])[] };

function sizeOfBase64(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}

/** One level of a parsed document of that notation; what is inside is read when it is shown. */
export function typedValue(document: unknown): TypedValue {
  switch (typeof document) {
    case "boolean":
      return { kind: "boolean", value: document };
    case "string":
      return { kind: "text", text: document };
    case "number":
      return { kind: Number.isInteger(document) ? "long" : "double", digits: String(document) };
    case "object":
      if (document === null) return { kind: "null" };
      if (Array.isArray(document)) return { kind: "list", items: document };
      return typedObject(document as Readonly<Record<string, unknown>>);
    case "bigint":
    case "function":
    case "symbol":
    case "undefined":
      // No JSON has these.
      return { kind: "null" };
  }
}

function typedObject(document: Readonly<Record<string, unknown>>): TypedValue {
  const { $type: type, value, base64, entries } = document;
  if (type === "long" && typeof value === "string") return { kind: "long", digits: value };
  if (type === "double" && typeof value === "string") return { kind: "double", digits: value };
  if (type === "bytes" && typeof base64 === "string") return { kind: "bytes", base64, size: sizeOfBase64(base64) };
  if (type === "map" && Array.isArray(entries)) {
    return { kind: "map", entries: entries.map((entry) => [String(entry?.key), entry?.value] as const) };
  }
  return { kind: "map", entries: Object.entries(document) };
}

/** `de ad be ef`, of so many bytes at the beginning. */
export function hexOfBase64(base64: string, most: number): string {
  const wanted = Math.ceil(most / 3) * 4;
  const binary = atob(base64.slice(0, wanted));
  return Array.from(binary.slice(0, most), (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
}

/** What kinds a document holds beside the plain ones, so that a form can say what it will send: `bytes`, `double`, `long`. */
export function specialKinds(document: unknown): readonly string[] {
  const found = new Set<string>();
  const left = [document];
  while (left.length > 0) {
    const value = typedValue(left.pop());
    if (value.kind === "bytes" || value.kind === "double") found.add(value.kind);
    if (value.kind === "long" && !Number.isSafeInteger(Number(value.digits))) found.add("64-bit integer");
    if (value.kind === "list") for (const inner of value.items) left.push(inner);
    if (value.kind === "map") for (const [, inner] of value.entries) left.push(inner);
    if (found.size === 3) break;
  }
  return [...found].toSorted();
}

export interface ReadArguments {
  /** How many arguments, and which special kinds. */
  readonly text: string;
  readonly problem: string | null;
}

/**
 * Looks at arguments as somebody types them. The engine's side judges; this only says early what is no JSON, and what numbers
 * JavaScript would not keep (they are sent as they are written, and kept).
 */
export function examineArguments(text: string): ReadArguments {
  if (text.trim() === "") return { text: "no arguments", problem: null };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return { text: "", problem: error instanceof Error ? error.message : "This is not JSON." };
  }
  const amount = Array.isArray(document) ? document.length : 1;
  const size = new TextEncoder().encode(text).length;
  const kinds = specialKinds(document);
  const parts = [`${amount} ${amount === 1 ? "argument" : "arguments"}`, `${size} B`, ...kinds];
  return { text: parts.join(" · "), problem: null };
}
