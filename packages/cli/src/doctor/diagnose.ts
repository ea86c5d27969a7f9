import { at, negotiateVersion, PATHS } from "@durable-workflow/engine-protocol";
import type { EngineConnection } from "../engine/connection.js";
import { NoAnswer } from "../net/exchange.js";
import { HttpClient } from "../net/http-client.js";
import type { Authorizers } from "../options/authorizers.js";
import type { CliIo } from "../shell/command.js";
import { carrierFindings, localConfig } from "./carrier-checks.js";
import {
  artifactsFinding,
  clockFinding,
  connectionFindings,
  contractsFinding,
  engineConfigFinding,
  featuresFinding,
  healthFinding,
  payloadsFinding,
  readyFinding,
  tokenFinding,
  versionFinding,
} from "./engine-checks.js";
import { EngineProbe } from "./engine-probe.js";
import { type Finding, fail, skip } from "./finding.js";
import { isLost, namespaceFinding, roleFindings } from "./role-checks.js";
import { waitingFinding } from "./waiting-check.js";

export interface DiagnosisOptions {
  readonly connection: EngineConnection;
  /** Executor config of this machine; undefined for none. */
  readonly configPath: string | undefined;
  readonly overlay: string | undefined;
  /** What gets past the walls before carriers, by `auth_ref`. */
  readonly authorizers: Authorizers;
  /** For one answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly io: Pick<CliIo, "env" | "secrets" | "signal">;
}

export interface Diagnosis {
  readonly reachable: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Looks at all that must be in order before activities run: the engine, this machine's config, its carriers.
 *
 * @throws {NoAnswer} (as a rejection) when it was interrupted
 */
export async function diagnose(options: DiagnosisOptions): Promise<Diagnosis> {
  const { connection, configPath, overlay, timeoutMs, io } = options;
  const means = { http: new HttpClient(io), timeoutMs, signal: io.signal };
  const local = configPath === undefined ? undefined : await localConfig(configPath, overlay);
  const engine = await diagnoseEngine(new EngineProbe(connection, means), local !== undefined);
  const carriers =
    local?.config === undefined ? [] : await carrierFindings(local.config, options.authorizers, io, means);
  const config = local?.finding ?? skip("executor_config.local", "none was given (--config FILE)");
  return {
    reachable: engine.reachable,
    findings: [...connectionFindings(connection), ...engine.findings, config, ...carriers],
  };
}

async function diagnoseEngine(probe: EngineProbe, dispatches: boolean): Promise<Diagnosis> {
  try {
    return { reachable: true, findings: await engineFindings(probe, dispatches) };
  } catch (error) {
    if (!(error instanceof NoAnswer) || error.why === "aborted") throw error;
    const remedy = "Start it (dw-carrier dev runs one), or give its URL with --server or DURABLE_WORKFLOW_SERVER_URL.";
    return { reachable: false, findings: [fail("server.reachable", error.message, remedy)] };
  }
}

async function engineFindings(probe: EngineProbe, dispatches: boolean): Promise<readonly Finding[]> {
  const health = healthFinding(await probe.ask({ path: PATHS.health }));
  if (health.status === "fail") return [health];
  const ready = readyFinding(await probe.ask({ path: PATHS.ready }));
  const info = await probe.ask({ path: PATHS.clusterInfo });
  if (isLost(info)) return [health, ready, namespaceFinding(probe.connection.namespace)];
  const isGuest = probe.connection.token === undefined;
  const withoutToken = isGuest ? undefined : await probe.ask({ path: PATHS.clusterInfo, anonymous: true });
  const token = tokenFinding(info, withoutToken, probe.connection);
  if (info.status !== 200) return [health, ready, token, clockFinding(probe)];
  const version = negotiateVersion(at(info.body, "worker_protocol", "version"));
  const roles = version === undefined ? [] : await roleFindings(probe, version, dispatches);
  return [
    health,
    ready,
    token,
    versionFinding(info.body),
    ...(version === undefined ? [] : [featuresFinding(info.body)]),
    ...roles,
    ...(version === undefined ? [] : [await waitingFinding(probe)]),
    contractsFinding(info.body),
    artifactsFinding(info.body),
    payloadsFinding(info.body),
    engineConfigFinding(info.body),
    clockFinding(probe),
  ];
}
