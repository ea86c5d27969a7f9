import { type InvocableHandlers, InvocableHttpEndpoint } from "./endpoint.js";
import type { AdapterOptions } from "./endpoint-options.js";

/** An endpoint, and what brings a platform's arguments to the activities that it runs. */
export interface Adapter<Given extends readonly unknown[]> {
  readonly endpoint: InvocableHttpEndpoint;
  /** The values that an activity's context begins with, by the id of their key; undefined where nobody looks. */
  readonly valuesOf: (given: Given) => ReadonlyMap<symbol, unknown> | undefined;
}

/**
 * What an adapter is two conversions around.
 *
 * @throws {TypeError} for bad handlers or options
 */
export function createAdapter<Handlers extends object, Given extends readonly unknown[]>(
  handlers: InvocableHandlers<Handlers>,
  options?: AdapterOptions<Given>,
): Adapter<Given> {
  const platform = options?.platform;
  return {
    endpoint: new InvocableHttpEndpoint(handlers, options),
    valuesOf: (given) => platform && new Map([[platform.id, given]]),
  };
}
