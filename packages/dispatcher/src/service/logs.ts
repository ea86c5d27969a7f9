import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";

/** A logger as the service uses it: JSON lines, standard output unless told otherwise. */
export function createLogger(options: LoggerOptions = {}, destination?: DestinationStream): Logger {
  const merged: LoggerOptions = { base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, ...options };
  return destination === undefined ? pino(merged) : pino(merged, destination);
}
