import type { Environment } from "../config/profiles.js";
import { type Clock, systemClock } from "../time/clock.js";

/** What every ready-made authorizer takes. */
export interface CommonOptions {
  /**
   * Origins that it may be used for, as in `https://handlers.example.com`, beside those of the carriers that this machine's own
   * config uses it with. Default: none.
   */
  readonly origins?: readonly string[] | undefined;
  /** Where variables are looked up. Default `process.env`. */
  readonly environment?: Environment | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

export const COMMON_NAMES = { origins: true, environment: true, clock: true } as const;

export interface ResolvedCommon {
  readonly environment: Environment;
  readonly clock: Clock;
}

export function resolveCommon({ environment = process.env, clock = systemClock }: CommonOptions): ResolvedCommon {
  return { environment, clock };
}

/** @throws {TypeError} for what is no text, or empty; undefined passes */
export function checkText(what: string, value: unknown): void {
  if (value !== undefined && (typeof value !== "string" || value.trim() === "")) {
    throw new TypeError(`${what} must be a non-empty string`);
  }
}
