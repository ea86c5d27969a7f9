/** A token as it is sent, or what is wrong with it. */
export type ReadToken =
  | { readonly token: string; readonly problem?: never }
  | { readonly problem: "not_set" | "not_a_header_value"; readonly token?: never };

/**
 * The only reading of bearer tokens, wherever they come from. White space around a token goes: files end with a line end, and
 * so do variables that were filled from one. Within it, and for anything but visible ASCII, the value could not be a header's,
 * or would begin another header.
 */
export function readToken(value: string | null | undefined): ReadToken {
  const token = (value ?? "").trim();
  if (token === "") return { problem: "not_set" };
  return /^[\x21-\x7e]+$/.test(token) ? { token } : { problem: "not_a_header_value" };
}
