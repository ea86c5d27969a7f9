/** The worker protocol that is spoken here, asked and answered: the one line that says it. */
export const PROTOCOL_VERSION = "1.20";

/** The control plane that is spoken here. */
export const CONTROL_PLANE_VERSION = "2";

/** What came into the worker protocol after 1.0, by the first version that has it. */
export const SINCE = {
  pollRequests: "1.1", // `poll_request_id` and `timeout_seconds` of a poll
  failureFlags: "1.1", // a failure keeps its type and flags, details or not
  capabilityManifest: "1.18", // `capability_manifest` is required at registration
  boundedPolls: "1.18", // `timeout_seconds` of a poll is refused beyond the limit; the version is not known, and this is a safe one
  externalPayloads: "1.19", // payloads that are kept apart; a carrier, which may import nothing, says it too
  taskStatus: "1.20", // a task can be looked at without renewing its lease
} as const satisfies Readonly<Record<string, string>>;

/** Something that came into the worker protocol after its first version. */
export type Feature = keyof typeof SINCE;

/**
 * Kinds of servers that behave differently where the version alone does not say how, by the first version of each, oldest
 * first. Whoever tells what a server will do tells it for each of them.
 */
export const ERAS = {
  april: "1.0", // servers of April 2026
  current: SINCE.failureFlags, // servers since then: those of August 2026 and later
} as const satisfies Readonly<Record<string, string>>;

/** The name of an era: servers that behave alike where their version alone does not say how. */
export type Era = keyof typeof ERAS;

/** Tells something for each era. */
export function forEachEra<Told>(tell: (version: string, era: Era) => Told): Readonly<Record<Era, Told>> {
  const told = Object.entries(ERAS).map(([era, version]) => [era, tell(version, era as Era)]);
  return Object.fromEntries(told) as Record<Era, Told>;
}

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
export function negotiateVersion(advertised: unknown, own: string = PROTOCOL_VERSION): string | undefined {
  const theirs = typeof advertised === "string" ? readVersion(advertised) : undefined;
  const ours = readVersion(own);
  if (theirs === undefined || ours === undefined || theirs.major !== ours.major) return undefined;
  return `${ours.major}.${Math.min(theirs.minor, ours.minor)}`;
}

/** Whether a server of version `own` takes a request of this version: the same major, and a minor up to its own. */
export function acceptsVersion(requested: string, own: string = PROTOCOL_VERSION): boolean {
  const theirs = readVersion(requested);
  const ours = readVersion(own);
  return theirs !== undefined && ours !== undefined && theirs.major === ours.major && theirs.minor <= ours.minor;
}

/** Whether a version has what came in with {@link SINCE}. False for a text that is not a version. */
export function speaks(version: string, feature: Feature): boolean {
  return acceptsVersion(SINCE[feature], version);
}
