import { CliError, EXIT } from "../shell/command.js";
import type { NoAnswer } from "./exchange.js";
import { shownUrl } from "./shown-url.js";

/** That a carrier gave no answer, as the end of a command. */
export function carrierSilence(url: URL | string, { why, message }: NoAnswer): CliError {
  const hint = why === "unreachable" ? "Is it running, and is the address right?" : undefined;
  return new CliError(EXIT.unreachable, `the carrier at ${shownUrl(url)} gave no answer: ${message}`, hint);
}
