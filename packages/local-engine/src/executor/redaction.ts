import { isObject } from "../http/fields.js";

const SECRET_KEY = /token|secret|authorization|signature|password|credential|private_key/i;

/** A copy in which whatever stands under a key that names a secret is `redacted`. */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, SECRET_KEY.test(key) ? "redacted" : redact(inner)]),
  );
}
