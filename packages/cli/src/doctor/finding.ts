/** One thing that was looked at. */
export interface Finding {
  /** Stable, as in `server.reachable`. */
  readonly id: string;
  /** `skip`: not looked at, or of no matter here. */
  readonly status: "ok" | "warn" | "fail" | "skip";
  readonly message: string;
  /** What to do about it; null where there is nothing to do. */
  readonly remedy: string | null;
}

export function ok(id: string, message: string): Finding {
  return { id, status: "ok", message, remedy: null };
}

export function warn(id: string, message: string, remedy: string): Finding {
  return { id, status: "warn", message, remedy };
}

export function fail(id: string, message: string, remedy: string): Finding {
  return { id, status: "fail", message, remedy };
}

export function skip(id: string, message: string): Finding {
  return { id, status: "skip", message, remedy: null };
}
