/** The worker protocol that this dispatcher speaks. */
export const PROTOCOL_VERSION = "1.15";

interface Version {
  readonly major: number;
  readonly minor: number;
}

function readVersion(text: string): Version | undefined {
  const match = /^(\d{1,6})\.(\d{1,6})$/.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

/**
 * The version to speak with a server: the lower of its own and ours. Undefined when the majors differ, or when the server
 * advertises none that can be read.
 */
export function negotiateVersion(advertised: unknown, own = PROTOCOL_VERSION): string | undefined {
  const theirs = typeof advertised === "string" ? readVersion(advertised) : undefined;
  const ours = readVersion(own);
  if (theirs === undefined || ours === undefined || theirs.major !== ours.major) return undefined;
  return `${ours.major}.${Math.min(theirs.minor, ours.minor)}`;
}

/** True for servers that know `poll_request_id` and `timeout_seconds`: those after 1.0. */
export function knowsPollRequests(version: string): boolean {
  return (readVersion(version)?.minor ?? 0) > 0;
}
