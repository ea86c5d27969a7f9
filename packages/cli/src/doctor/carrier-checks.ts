import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, INVALID_INVOCABLE_REQUEST } from "@durable-workflow/carrier/protocol";
import { loadExecutorConfig, loadProfiles, profilesPath, systemClock } from "@durable-workflow/dispatcher";
import { CredentialStore, ServerClock } from "@durable-workflow/dispatcher/tools";
import { parseJson, textAt } from "@durable-workflow/engine-protocol";
import {
  type ActivityMapping,
  type ExecutorConfig,
  ExecutorConfigError,
  isLoopbackHost,
} from "@durable-workflow/engine-protocol/executor-config";
import { violationOf } from "../inspect/executor-config.js";
import { type Answer, NoAnswer } from "../net/exchange.js";
import { shownUrl } from "../net/shown-url.js";
import type { Authorizers } from "../options/authorizers.js";
import { violationLine } from "../report/violation.js";
import type { CliIo } from "../shell/command.js";
import { skewFinding } from "./engine-checks.js";
import type { ProbeMeans } from "./engine-probe.js";
import { type Finding, fail, ok, skip, warn } from "./finding.js";

/** What is shown to a carrier must not be shown to others. */
type KnockMeans = ProbeMeans & Pick<CliIo, "secrets">;

type Credential = Awaited<ReturnType<CredentialStore["credentialFor"]>>;

/** The executor config of this machine: what is wrong with it, or what it says. */
export async function localConfig(
  path: string,
  overlay: string | undefined,
): Promise<{ readonly finding: Finding; readonly config?: ExecutorConfig }> {
  const id = "executor_config.local";
  try {
    const config = await loadExecutorConfig(path, overlay === undefined ? {} : { overlay });
    const { mappings } = config;
    if (mappings.length === 0) {
      return { finding: warn(id, "it maps no activity", "Add mappings of kind activity."), config };
    }
    return {
      finding: ok(id, `${mappings.length} activities on ${new Set(mappings.map(carrierName)).size} carriers`),
      config,
    };
  } catch (error) {
    if (!(error instanceof ExecutorConfigError)) throw error;
    const message = error.errors.map((one) => violationLine(violationOf(one))).join("; ");
    return { finding: fail(id, message, "Mend the file: dw-carrier inspect FILE explains it.") };
  }
}

function carrierName({ carrier }: ActivityMapping): string {
  return carrier.name;
}

/** Each carrier of a config, with the credential that its mappings use. Nothing is run there: no task is sent. */
export async function carrierFindings(
  config: ExecutorConfig,
  authorizers: Authorizers,
  { env, secrets }: Pick<CliIo, "env" | "secrets">,
  means: ProbeMeans,
): Promise<readonly Finding[]> {
  const profiles = await loadProfiles(profilesPath(env));
  const clock = systemClock;
  const store = new CredentialStore({ config, local: {}, authorizers, environment: env, profiles, secrets, clock });
  const distinct = new Map(
    config.mappings.map((mapping) => [`${carrierName(mapping)} ${mapping.authRef ?? ""}`, mapping]),
  );
  const findings: Finding[] = [];
  for (const mapping of distinct.values()) {
    findings.push(...(await probeCarrier(mapping, store, { ...means, secrets })));
  }
  return findings;
}

async function probeCarrier(
  mapping: ActivityMapping,
  store: CredentialStore,
  means: KnockMeans,
): Promise<readonly Finding[]> {
  const { carrier, authRef } = mapping;
  const id = `carrier.${carrier.name}`;
  if (carrier.type !== "invocable_http") return [skip(id, "a process: it is not started here")];
  let credential: Credential;
  try {
    credential = await store.credentialFor(mapping);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "CredentialError") throw error;
    return [fail(id, error.message, `Set what auth_refs.${authRef ?? ""} of the config names, on this machine.`)];
  }
  const url = new URL(carrier.url);
  try {
    const clock = new ServerClock(systemClock);
    const sentAt = systemClock.monotonic();
    const answer = await knock(url, credential, means);
    const { date } = answer.headers;
    clock.observe(date, sentAt, systemClock.monotonic());
    const finding = answerFinding(id, url, answer, credential);
    if (finding.status !== "ok") return [finding];
    const guard = await guardFinding(id, url, credential, means);
    const time = date === undefined ? [] : [skewFinding(`${id}.clock`, `the carrier ${carrier.name}`, clock.skewMs())];
    return [finding, guard, ...time];
  } catch (error) {
    if (error instanceof Error && error.name === "AuthorizerError") {
      return [fail(id, error.message, `Mend ${authRef ?? ""} of the authorizers file, or what it names.`)];
    }
    if (!(error instanceof NoAnswer) || error.why === "aborted") throw error;
    return [
      fail(
        id,
        `${shownUrl(url)} gave no answer: ${error.message}`,
        "Start the carrier, or mend its url in the config.",
      ),
    ];
  }
}

/** Sends what is no task: a carrier that lets it in says 400. */
async function knock(url: URL, credential: Credential, means: KnockMeans): Promise<Answer> {
  const body = "{}";
  const headers = { "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE };
  const token = credential.type === "bearer" ? credential.token : undefined;
  const tls = credential.type === "mtls" ? { client: credential } : {};
  const { http, timeoutMs, signal, secrets } = means;
  const shown =
    credential.type === "authorized"
      ? await credential.authorize({ method: "POST", url, headers, body, refused: undefined, signal })
      : { headers: {}, secrets: [] };
  for (const secret of shown.secrets) secrets.add(secret);
  const sent = { ...headers, ...shown.headers };
  return http.exchange(url, { method: "POST", headers: sent, token, body, timeoutMs, signal }, tls);
}

function isInvitation({ status, body }: Answer): boolean {
  return status === 400 && textAt(parseJson(body), "error") === INVALID_INVOCABLE_REQUEST;
}

function answerFinding(id: string, url: URL, answer: Answer, credential: Credential): Finding {
  const { status } = answer;
  if (isInvitation(answer)) return ok(id, `${shownUrl(url)} answers as a carrier`);
  if (status === 401 || status === 403) {
    return credential.type === "none"
      ? fail(id, `${shownUrl(url)} wants a credential (${status})`, "Give the mapping an auth_ref.")
      : fail(id, `${shownUrl(url)} refuses the credential (${status})`, refusalRemedy(credential));
  }
  const remedy = "Check the url of the config, path included, and what stands in front of the carrier.";
  return fail(id, `${shownUrl(url)} answered ${status}, which is not what a carrier says to an empty task`, remedy);
}

function refusalRemedy({ type }: Credential): string {
  return type === "authorized"
    ? "See that what its authorizer stands for may call it, and that audience, region and names of headers are right."
    : "Give both sides the same token.";
}

/** A carrier that takes a task from anybody runs what anybody wants. */
async function guardFinding(id: string, url: URL, credential: Credential, means: KnockMeans): Promise<Finding> {
  const guard = `${id}.guard`;
  if (credential.type === "none") {
    return isLoopbackHost(url.hostname)
      ? skip(guard, "it wants no credential, on this machine only")
      : openFinding(guard);
  }
  try {
    const answer = await knock(url, { type: "none" }, means);
    return isInvitation(answer) ? openFinding(guard) : ok(guard, "it refuses requests without the credential");
  } catch (error) {
    if (error instanceof NoAnswer && error.why !== "aborted")
      return ok(guard, "it refuses connections without the credential");
    throw error;
  }
}

function openFinding(id: string): Finding {
  return warn(
    id,
    "it takes tasks from anybody who reaches it",
    "Guard it: auth of the carrier's options, or in front of it.",
  );
}
