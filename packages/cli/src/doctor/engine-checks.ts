import { at, ERAS, isObject, negotiateVersion, PROTOCOL_VERSION, textAt } from "@durable-workflow/engine-protocol";
import { isLoopbackHost } from "@durable-workflow/engine-protocol/executor-config";
import type { EngineConnection } from "../engine/connection.js";
import {
  contractViolations,
  engineConfigState,
  payloadTransportState,
  publishedArtifacts,
} from "../inspect/cluster-info.js";
import { engineFeatures } from "../inspect/engine-features.js";
import { duration } from "../report/duration.js";
import { violationLine } from "../report/violation.js";
import type { EngineAnswer, EngineProbe } from "./engine-probe.js";
import { type Finding, fail, ok, skip, warn } from "./finding.js";

/** How the engine is reached, and whether others can listen in. */
export function connectionFindings({ url, namespace, token, tlsVerify, source }: EngineConnection): readonly Finding[] {
  const { hostname, protocol } = new URL(url);
  const credential = token === undefined ? "without a token" : "with a token";
  const findings = [ok("connection", `${url} (from the ${source}), namespace ${namespace}, ${credential}`)];
  if (protocol === "http:" && !isLoopbackHost(hostname) && token !== undefined) {
    const message = "the token travels in the clear: the engine is not on this machine, and its URL is of http";
    findings.push(warn("connection.tls", message, "Use an https URL."));
  } else if (protocol === "https:" && !tlsVerify) {
    const message = "the engine's certificate is not checked";
    findings.push(
      warn("connection.tls", message, "Remove DURABLE_WORKFLOW_TLS_VERIFY=false, or tls_verify of the profile."),
    );
  }
  return findings;
}

/** Whether what answers is an engine, and one that serves. */
export function healthFinding({ status, body }: EngineAnswer): Finding {
  const id = "server.reachable";
  const state = textAt(body, "status");
  if (status === 200 && state === "serving") return ok(id, "the engine serves");
  if (state !== undefined) {
    return fail(id, `the engine answers, but is ${state}`, "Look into its logs, and at its database.");
  }
  if (status === 0 || (status >= 300 && status < 400)) {
    const told = `the address redirects (${status}), which is not followed: the token would go along`;
    return fail(id, told, "Name the engine's own address with --server.");
  }
  if (status === 401 || status === 403) {
    const told = `what answers wants credentials even for its health (${status}), and an engine does not`;
    return fail(id, told, "Look at the proxy before it, or name the engine's own address with --server.");
  }
  return fail(
    id,
    `something answers with ${status}, and is not a Durable Workflow engine`,
    "Give the engine's base URL with --server: without /api.",
  );
}

export function readyFinding({ status, body }: EngineAnswer): Finding {
  const id = "server.ready";
  if (status === 200) return ok(id, "the engine is ready");
  const checks = at(body, "checks");
  const bad = Object.entries(isObject(checks) ? checks : {}).filter(([, check]) => textAt(check, "status") !== "ok");
  const names = bad.map(([name]) => name).join(", ");
  const message = names === "" ? `the engine is not ready (${status})` : `the engine is not ready: ${names}`;
  return fail(id, message, "Finish its set-up: migrations, default namespace, cache, auth.");
}

/** What the engine made of the token, by its answer to a question that any token may ask. */
export function tokenFinding(
  info: EngineAnswer,
  withoutToken: EngineAnswer | undefined,
  connection: EngineConnection,
): Finding {
  const id = "auth.token";
  const { token, url } = connection;
  if (info.status === 401) {
    return token === undefined
      ? fail(
          id,
          "the engine wants a token, and none was given",
          "Set DURABLE_WORKFLOW_AUTH_TOKEN, or give --token-env NAME.",
        )
      : fail(id, "the engine does not know the token", "Ask for the token that the engine was started with.");
  }
  if (info.status !== 200) {
    const said = info.message === "" ? "" : `: ${info.message}`;
    return fail(id, `the engine answered ${info.status}${said}`, "Look into the engine's settings and logs.");
  }
  const isOpen = token === undefined || withoutToken?.status === 200;
  if (!isOpen) return ok(id, "the engine takes the token, and wants one");
  if (isLoopbackHost(new URL(url).hostname)) return ok(id, "the engine wants no token, on this machine only");
  const remedy = "Start the engine with tokens: everybody who reaches it may do everything.";
  return warn(id, "the engine wants no token", remedy);
}

export function versionFinding(clusterInfo: unknown): Finding {
  const id = "protocol.version";
  const advertised = textAt(clusterInfo, "worker_protocol", "version");
  const version = negotiateVersion(advertised);
  if (version === undefined) {
    return fail(
      id,
      advertised === undefined
        ? `the engine does not say which worker protocol it speaks; this is ${PROTOCOL_VERSION}`
        : `the engine speaks worker protocol ${advertised}, this is ${PROTOCOL_VERSION}`,
      "Use releases whose worker protocols have the same major version.",
    );
  }
  if (version === PROTOCOL_VERSION) return ok(id, `worker protocol ${version}`);
  if (version === ERAS.april) {
    return warn(
      id,
      `worker protocol ${ERAS.april}: a server of April 2026, which frames payloads in another way and loses flags of failures without details`,
      "Upgrade the server to a release of September 2026 or later.",
    );
  }
  return ok(id, `worker protocol ${version} (the engine speaks ${advertised ?? ""}, this ${PROTOCOL_VERSION})`);
}

/** What comes with the engine's version, and with the capabilities that it says it has. */
export function featuresFinding(clusterInfo: unknown): Finding {
  const id = "protocol.features";
  const { has, lacks, violations } = engineFeatures(clusterInfo);
  if (violations.length > 0) {
    const remedy = "Upgrade the engine: workers of released SDKs refuse one that describes its capabilities otherwise.";
    return fail(id, violations.map(violationLine).join("; "), remedy);
  }
  const told = [
    ...(has.length === 0 ? [] : [`the engine has ${has.join(", ")}`]),
    ...(lacks.length === 0 ? [] : [`it has not ${lacks.join(", ")}`]),
  ];
  return ok(id, told.join("; "));
}

export function contractsFinding(clusterInfo: unknown): Finding {
  const id = "contracts";
  const violations = contractViolations(clusterInfo);
  if (violations.length === 0) return ok(id, "the published contracts are those that this version knows");
  const remedy = "Use releases of engine and carrier that know the same contracts.";
  return fail(id, violations.map(violationLine).join("; "), remedy);
}

export function artifactsFinding(clusterInfo: unknown): Finding {
  const id = "artifacts";
  const artifacts = publishedArtifacts(clusterInfo);
  if (artifacts.length === 0) return warn(id, "the engine publishes no examples", "Upgrade the engine.");
  const broken = artifacts.filter(({ violations }) => violations.length > 0);
  if (broken.length === 0) return ok(id, `${artifacts.length} published examples have their SHA-256, and are valid`);
  return fail(
    id,
    broken.map(({ name, violations }) => `${name}: ${violations.map(violationLine).join(", ")}`).join("; "),
    "Something between here and the engine changes its answers, or the engine is of another contract.",
  );
}

export function payloadsFinding(clusterInfo: unknown): Finding {
  const id = "payloads";
  const { state, summary, violations } = payloadTransportState(clusterInfo);
  switch (state) {
    case "available":
      return ok(id, `large payloads are ${summary}`);
    case "inline_only":
      return skip(id, "the engine takes payloads inline only, up to its limit of a request");
    case "unavailable":
      return fail(
        id,
        `large payloads are ${summary}`,
        "Look into the storage of the namespace; what is there may still be read.",
      );
    case "unknown":
      return fail(id, violations.map(violationLine).join("; "), "Update dw-carrier: large payloads cannot be sent.");
  }
}

export function engineConfigFinding(clusterInfo: unknown): Finding {
  const id = "executor_config.engine";
  const { status, summary, errors } = engineConfigState(clusterInfo);
  if (status === "valid") return ok(id, summary);
  if (status === "not_configured") return skip(id, "the engine has none: the dispatcher's own config decides");
  if (status !== "invalid") return warn(id, `its state is ${status}`, "Upgrade the engine.");
  return fail(
    id,
    `the engine refuses it: ${errors.map(violationLine).join("; ")}`,
    "Mend the file that DW_EXTERNAL_EXECUTOR_CONFIG_PATH of the engine names; no task has a mapping until then.",
  );
}

/** Leases last 300 s; deadlines are compared with the clock of whoever reads them. */
const NOTICEABLE_MS = 2_000;
const HARMFUL_MS = 30_000;

export function clockFinding(probe: EngineProbe): Finding {
  if (!probe.knowsTime) return skip("clock.engine", "the engine does not say what time it is");
  return skewFinding("clock.engine", "the engine", probe.clock.skewMs());
}

/** @param skewMs how far the other clock is ahead of this machine's, give or take half a second */
export function skewFinding(id: string, who: string, skewMs: number): Finding {
  const off = Math.abs(skewMs);
  if (off <= NOTICEABLE_MS) return ok(id, `the clock of ${who} agrees with this machine's`);
  const message = `the clock of ${who} is ${duration(off)} ${skewMs > 0 ? "ahead of" : "behind"} this machine's`;
  const remedy = "Keep the clocks of all machines in step (NTP): deadlines are judged by each one's own.";
  return off <= HARMFUL_MS ? warn(id, message, remedy) : fail(id, message, remedy);
}
