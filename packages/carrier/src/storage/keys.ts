/** Where in a store a payload lies: `{prefix/}{codec}/{first two hex digits of sha256}/{sha256}`. */
export function objectKey(prefix: string, codec: string, sha256: string): string {
  return `${prefix}${codec}/${sha256.slice(0, 2)}/${sha256}`;
}

/** False for a key with an empty, `.` or `..` segment, and for an empty one. */
export function isPlainKey(key: string): boolean {
  return key.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

/**
 * A prefix as keys start with it: empty, or ending in one slash. Slashes at either end make no difference.
 *
 * @throws {TypeError} naming the option, for empty, `.` and `..` segments
 */
export function normalizePrefix(prefix: string | undefined): string {
  if (prefix === undefined) return "";
  if (typeof prefix !== "string") throw new TypeError("prefix must be text");
  const inner = prefix.replace(/^\//, "").replace(/\/$/, "");
  if (inner === "") return "";
  if (!isPlainKey(inner)) throw new TypeError('prefix must have no empty, "." or ".." segments');
  return `${inner}/`;
}
