import type { PayloadLogger } from "../payload/envelope.js";

/** Where the carrier reports what no result can say. Structured fields first, as pino takes them. */
export interface Logger extends PayloadLogger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

const nothing = (): void => {};

/** The default: a library does not print. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
