const LOOPBACK_ADDRESS = /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

/** True for a host that is this machine by name: `localhost`, `*.localhost`, 127.0.0.0/8, ::1. As in `URL.hostname`. */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, "");
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || LOOPBACK_ADDRESS.test(host);
}

/**
 * A carrier's URL, when tasks may be sent there: absolute https, or http on loopback, without user name and password.
 * Undefined otherwise.
 */
export function carrierUrl(text: string): URL | undefined {
  const url = parseUrl(text);
  if (url === undefined || url.username !== "" || url.password !== "" || url.hostname === "") return undefined;
  if (url.protocol === "https:") return url;
  return url.protocol === "http:" && isLoopbackHost(url.hostname) ? url : undefined;
}

/** The URL that a text is, or undefined. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** Whether a carrier at this URL may go without an auth_ref: plain http to this machine alone. https is shown a credential anywhere. */
export function goesWithoutAuth(url: URL): boolean {
  return url.protocol === "http:" && isLoopbackHost(url.hostname);
}
