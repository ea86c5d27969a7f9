import { startProgram } from "./app.js";
import { type LAMBDA_EVENTS, TOO_LARGE_FOR_LAMBDA, toLambdaAnswer } from "./lambda-events.js";
import { LambdaRuntimeApi } from "./lambda-runtime-api.js";
import type { RunningPlatform, RuntimeAnswer, SentRequest } from "./platform.js";
import { installedFile, work } from "./runtimes.js";

/** The real runtime client, on the version of Node that Lambda has. */
const node = installedFile("node-24/bin/node");
const client = installedFile("aws-lambda-ric/index.mjs");

/** Why there is no Lambda here. */
export const lambdaMissing = node.missing ?? client.missing;

export interface LambdaFunction {
  readonly api: LambdaRuntimeApi;
  stop(): Promise<void>;
}

/** Starts a function: `handler` is a file of `root` and an export, as Lambda's configuration has it. */
export async function startLambdaFunction(
  root: string,
  handler: string,
  env: Readonly<Record<string, string>> = {},
): Promise<LambdaFunction> {
  const api = new LambdaRuntimeApi();
  const address = await api.listen();
  const program = startProgram({
    program: node.path,
    args: ["--require", `${work}/lambda-native-client.cjs`, client.path],
    cwd: root,
    env: {
      AWS_LAMBDA_RUNTIME_API: address,
      _HANDLER: handler,
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/carrier",
      AWS_LAMBDA_LOG_STREAM_NAME: "1",
      AWS_LAMBDA_FUNCTION_NAME: "carrier",
      AWS_LAMBDA_FUNCTION_VERSION: "1",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
      LAMBDA_TASK_ROOT: root,
      ...env,
    },
  });
  program.process.once("exit", (code) => api.fail(`The runtime client ended with ${code}: ${program.said()}`));
  return {
    api,
    async stop() {
      await program.stop();
      await api.close();
    },
  };
}

/** A function as it is called by one of the services that speak HTTP. */
export function overEvents(
  { api }: LambdaFunction,
  toEvent: (typeof LAMBDA_EVENTS)[string],
  stop: () => Promise<void> = () => Promise.resolve(),
): RunningPlatform {
  const send = async (request: SentRequest): Promise<RuntimeAnswer | undefined> => {
    const event = toEvent(request);
    if (event === undefined) return TOO_LARGE_FOR_LAMBDA;
    const invocation = api.invoke(event);
    const left = request.leaveAfterMs === undefined ? [] : [after(request.leaveAfterMs)];
    const done = await Promise.race([invocation, ...left]);
    if (done === undefined) return undefined;
    if (done.error !== undefined) throw new Error(`${done.error.errorType}: ${done.error.errorMessage}`);
    return toLambdaAnswer(done.result);
  };
  return { connect: () => ({ send, close: () => {} }), stop };
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms);
  });
}
