import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { ConnectionSettings } from "@durable-workflow/dispatcher";
import type { Carrier } from "@durable-workflow/engine-protocol/executor-config";
import { ControlPlane } from "../engine/control-plane.js";
import { NoAnswer } from "../net/exchange.js";
import { HttpClient } from "../net/http-client.js";
import { CliError, type CliIo } from "../shell/command.js";

const TIMEOUT_MS = 5_000;

export interface Reach {
  readonly reachable: boolean;
  /** What answered, or why nothing did. */
  readonly detail: string;
}

export interface OnlineReport {
  readonly engine: Reach & { readonly url: string };
  readonly carriers: readonly (Reach & { readonly name: string })[];
}

/** Sees what can be reached. No credential is sent to a carrier, and no task. */
export async function probe(
  connection: ConnectionSettings | undefined,
  carriers: readonly Carrier[],
  { env }: Pick<CliIo, "env">,
): Promise<OnlineReport> {
  const http = new HttpClient({ env });
  const [engine, ...reached] = await Promise.all([
    probeEngine(connection, http),
    ...carriers.map(async (carrier) => ({
      name: carrier.name,
      ...(await probeCarrier(carrier, http, env["PATH"] ?? "")),
    })),
  ]);
  return { engine, carriers: reached };
}

async function probeEngine(
  connection: ConnectionSettings | undefined,
  http: HttpClient,
): Promise<OnlineReport["engine"]> {
  if (connection === undefined) return { url: "", reachable: false, detail: "where it is cannot be settled" };
  const { serverUrl, namespace, token, tlsVerify } = connection;
  const url = serverUrl.value.replace(/\/+$/, "");
  const engine = {
    url,
    namespace: namespace.value,
    token: token.value ?? undefined,
    tlsVerify: tlsVerify.value,
    taskQueue: "",
    source: serverUrl.source,
  };
  try {
    await new ControlPlane(engine, http).clusterInfo();
    return { url, reachable: true, detail: "answers" };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { url, reachable: false, detail: error.message };
  }
}

/** @param path where programs are looked for whose carrier has no PATH of its own */
async function probeCarrier(carrier: Carrier, http: HttpClient, path: string): Promise<Reach> {
  if (carrier.type === "process") return probeProgram(carrier.command[0] ?? "", carrier.environment["PATH"] ?? path);
  try {
    // Every answer will do: a carrier refuses everything but tasks.
    const { status } = await http.exchange(new URL(carrier.url), { method: "GET", headers: {}, timeoutMs: TIMEOUT_MS });
    return { reachable: true, detail: `answers ${status}` };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    // Something that never ends is there all the same.
    return { reachable: error.why === "too_large", detail: error.message };
  }
}

function probeProgram(program: string, path: string): Reach {
  const candidates =
    isAbsolute(program) || /[\\/]/.test(program)
      ? [program]
      : path.split(delimiter).map((folder) => join(folder, program));
  const isThere = candidates.some((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return isThere ? { reachable: true, detail: "can be run" } : { reachable: false, detail: `${program} cannot be run` };
}
