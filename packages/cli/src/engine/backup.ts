import { parseJson, textAt } from "@durable-workflow/engine-protocol";
import { NoAnswer } from "../net/exchange.js";
import type { HttpClient } from "../net/http-client.js";
import { CliError, type CliIo, EXIT } from "../shell/command.js";
import { CONTROL_HOST, CONTROL_PATHS, type DevState } from "./dev-state.js";

/** A database may be large, and its disk slow. */
const TIMEOUT_MS = 6 * 3_600_000;

/**
 * Has the command that runs an engine write a copy of its data.
 *
 * @throws {CliError} where it cannot be asked, or cannot do it
 */
export async function backupRunning(
  { command, control, pid }: DevState,
  target: { readonly file: string; readonly overwrite: boolean },
  { http, io }: { readonly http: HttpClient; readonly io: Pick<CliIo, "secrets" | "signal"> },
): Promise<void> {
  if (control === undefined) {
    throw new CliError(
      EXIT.failed,
      `dw-carrier ${command} (process ${pid}) is of a version that makes no copies`,
      "Start it anew.",
    );
  }
  io.secrets.add(control.token);
  try {
    const { status, body } = await http.exchange(
      new URL(CONTROL_PATHS.backup, `http://${CONTROL_HOST}:${control.port}`),
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        token: control.token,
        body: JSON.stringify(target),
        timeoutMs: TIMEOUT_MS,
        signal: io.signal,
      },
    );
    if (status === 200) return;
    throw new CliError(EXIT.failed, textAt(parseJson(body), "message") ?? `no copy was made: status ${status}`);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    throw new CliError(EXIT.unreachable, `dw-carrier ${command} (process ${pid}) cannot be asked (${error.message})`);
  }
}
