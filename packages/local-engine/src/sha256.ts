import { hash } from "node:crypto";

/** The SHA-256 of a text in UTF-8, in hexadecimal digits: at once, without an object for each hash. */
export function sha256(text: string): string {
  return hash("sha256", text, "hex");
}
