import { resolve } from "node:path";
import { ProfileError } from "@durable-workflow/dispatcher";
import { type Diagnosis, diagnose } from "../doctor/diagnose.js";
import type { Finding } from "../doctor/finding.js";
import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { NoAnswer } from "../net/exchange.js";
import { AUTHORIZERS_OPTION, authorizersOf } from "../options/authorizers.js";
import { atMost, flag, secondsOption, textOption } from "../options/values.js";
import {
  CliError,
  type CliIo,
  type Command,
  type CommandInput,
  EXIT,
  type ExitCode,
  type Palette,
} from "../shell/command.js";

const DEFAULT_TIMEOUT_MS = 10_000;

/** Looks for what keeps activities from running. */
export const doctor: Command = {
  name: "doctor",
  summary: "Finds out what keeps activities from running: engine, token, versions, config, carriers, clocks",
  usage: "",
  options: {
    ...CONNECTION_OPTIONS,
    config: {
      type: "string",
      value: "FILE",
      help: "executor config of this machine; default DW_EXTERNAL_EXECUTOR_CONFIG_PATH",
    },
    overlay: { type: "string", value: "NAME", help: "its overlay; default DW_EXTERNAL_EXECUTOR_CONFIG_OVERLAY" },
    ...AUTHORIZERS_OPTION,
    timeout: { type: "string", value: "SECONDS", help: "longest wait for an answer (default 10)" },
    strict: { type: "boolean", help: "warnings count as failures do" },
  },
  description: `Asks the engine whether it serves, what the token may do, which protocol both speak, whether its published contracts and
examples are those that this version knows (SHA-256 included), and what it thinks of its executor config; then checks this
machine's config, whether each carrier answers and is guarded, and whether the clocks agree. It changes nothing and sends
no task. Each finding has its remedy.`,
  examples: [
    { line: "dw-carrier doctor", what: "checks the engine of `dw-carrier dev`, or of the environment or profile" },
    {
      line: "dw-carrier doctor --server https://engine.example.com --token-env WORKER_TOKEN --config executor.json",
      what: "checks a machine that is to dispatch",
    },
  ],
  run: runDoctor,
};

async function runDoctor(input: CommandInput, io: CliIo): Promise<ExitCode> {
  atMost(input, 0, "The engine is named with --server.");
  const connection = await connectionOf(input, io);
  const config = textOption(input, "config") ?? variable(io, "DW_EXTERNAL_EXECUTOR_CONFIG_PATH");
  const { findings, reachable } = await examined({
    connection,
    configPath: config === undefined ? undefined : resolve(io.cwd, config),
    overlay: textOption(input, "overlay") ?? variable(io, "DW_EXTERNAL_EXECUTOR_CONFIG_OVERLAY"),
    authorizers: await authorizersOf(input, io),
    timeoutMs: secondsOption(input, "timeout") ?? DEFAULT_TIMEOUT_MS,
    io,
  });
  const counts = (status: Finding["status"]): number => findings.filter((one) => one.status === status).length;
  const ok = counts("fail") === 0 && (counts("warn") === 0 || !flag(input, "strict"));
  if (input.json) {
    const { url: server, namespace } = connection;
    io.out(`${JSON.stringify({ ok, server, namespace, findings })}\n`);
  } else {
    for (const finding of findings) io.out(`${findingText(finding, io.paint)}\n`);
    const summary = `${counts("ok")} ok, ${counts("warn")} to look at, ${counts("fail")} wrong.`;
    io.out(`\n${ok ? io.paint.green(summary) : io.paint.red(summary)}\n`);
  }
  if (!reachable) return EXIT.unreachable;
  return ok ? EXIT.ok : EXIT.failed;
}

async function examined(options: Parameters<typeof diagnose>[0]): Promise<Diagnosis> {
  try {
    return await diagnose(options);
  } catch (error) {
    if (error instanceof NoAnswer) throw new CliError(EXIT.failed, "interrupted");
    if (error instanceof ProfileError) throw new CliError(EXIT.config, error.message);
    throw error;
  }
}

function variable({ env }: CliIo, name: string): string | undefined {
  return env[name] === "" ? undefined : env[name];
}

function findingText({ id, status, message, remedy }: Finding, paint: Palette): string {
  const marks = { ok: paint.green("✓"), warn: paint.yellow("!"), fail: paint.red("✗"), skip: paint.dim("-") };
  const text = `${marks[status]} ${paint.bold(id)}  ${message}`;
  return remedy === null ? text : `${text}\n    ${remedy}`;
}
