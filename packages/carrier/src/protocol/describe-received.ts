/** Names a value without giving it away: envelopes carry business data. */
export function describeReceived(value: unknown): string {
  const kind = typeof value;
  if (value === undefined) return "nothing";
  if (value === null || kind === "number" || kind === "boolean") return String(value as number | boolean | null);
  if (Array.isArray(value)) return "a list";
  if (value === "") return "an empty string";
  return kind === "object" ? "an object" : `a ${kind}`;
}
