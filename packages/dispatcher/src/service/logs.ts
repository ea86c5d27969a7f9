import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { LineBatch } from "./line-batch.js";
import { writeToStandardOutput } from "./standard-output.js";

/**
 * A logger as the service uses it: JSON lines, standard output unless told otherwise.
 *
 * @param destination gets each line as it is logged. Default: standard output, where lines that come within 5 ms are written together:
 *   nothing is lost when the process exits or throws, and a slow reader is waited for. `flush` of the logger writes what waits, and
 *   calls back after that.
 */
export function createLogger(options: LoggerOptions = {}, destination?: DestinationStream): Logger {
  const merged: LoggerOptions = { base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, ...options };
  if (destination !== undefined) return pino(merged, destination);
  return merged.transport === undefined ? pino(merged, new LineBatch(writeToStandardOutput)) : pino(merged);
}
