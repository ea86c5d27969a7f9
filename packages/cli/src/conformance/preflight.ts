import { parseExternalTaskResult } from "@durable-workflow/carrier/protocol";
import { buildTaskInput } from "@durable-workflow/carrier/testing";
import { carrierSilence } from "../net/carrier-silence.js";
import { NoAnswer } from "../net/exchange.js";
import { shownUrl } from "../net/shown-url.js";
import { CliError, EXIT } from "../shell/command.js";
import { type CarrierUnderTest, sendRequest } from "./send.js";

const HANDLERS_HINT =
  "Register the conformance.* activities (of @durable-workflow/carrier/testing, or as docs/reference/cli-tools.md has them for other languages).";

/**
 * Looks whether there is anything to test, so that what is wrong with all cases is said once.
 *
 * @throws {CliError} (as a rejection) `69` when nothing answers, `1` for a closed door, a place without a carrier, and a
 *   carrier without the conformance activities
 */
export async function preflight(carrier: CarrierUnderTest): Promise<void> {
  const { url, token } = carrier;
  const document = buildTaskInput({ activityType: "conformance.echo", args: [1], taskId: "conformance-preflight" });
  let status: number;
  let body: string;
  try {
    ({ status, body } = await sendRequest({ document }, carrier));
  } catch (error) {
    if (!(error instanceof NoAnswer) || error.why === "aborted") throw error;
    throw carrierSilence(url, error);
  }
  if (status === 401 || status === 403) {
    const hint = token === undefined ? "Give its token with --token-env NAME." : "It does not take this token.";
    throw new CliError(EXIT.failed, `the carrier at ${shownUrl(url)} answered ${status}`, hint);
  }
  if (status === 404 || status === 405) {
    const hint = "Give the URL, path included, that tasks are sent to.";
    throw new CliError(EXIT.failed, `${shownUrl(url)} answered ${status}: no carrier listens there`, hint);
  }
  if (isUnknownHandler(body)) {
    throw new CliError(EXIT.failed, `the carrier at ${shownUrl(url)} has no activity conformance.echo`, HANDLERS_HINT);
  }
}

function isUnknownHandler(body: string): boolean {
  try {
    const result = parseExternalTaskResult(JSON.parse(body));
    return result.kind === "failure" && result.failure.type === "UnknownActivityHandler";
  } catch {
    return false;
  }
}
