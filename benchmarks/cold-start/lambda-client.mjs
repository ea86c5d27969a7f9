// The runtime client that Lambda runs functions with, as runtimes/ installs it, and what it talks to.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const runtimes = fileURLToPath(new URL("../../runtimes/", import.meta.url));
const preload = fileURLToPath(new URL("lambda-preload.cjs", import.meta.url));

/**
 * @param {string} folder where it may write
 * @returns what answers a first event in a process of its own; undefined where the client is not installed
 */
export async function lambdaClient(folder) {
  const outfile = join(folder, "runtimes.mjs");
  const contents = `export { LambdaRuntimeApi } from "./support/lambda-runtime-api.js";
    export { runtimesFolder } from "./support/runtimes-folder.js";`;
  const stdin = { contents, resolveDir: runtimes };
  await build({ stdin, outfile, bundle: true, format: "esm", platform: "node" });
  const { LambdaRuntimeApi, runtimesFolder } = await import(pathToFileURL(outfile).href);
  const modules = join(runtimesFolder(readFileSync(`${runtimes}package-lock.json`)), "node_modules");
  const [node, client] = ["node-24/bin/node", "aws-lambda-ric/index.mjs"].map((path) => join(modules, path));
  if (![node, client].every((path) => existsSync(path))) return undefined;

  /** @param {string} name of the file in the folder, without its ending; it exports `handler` */
  return async (name, event) => {
    const api = new LambdaRuntimeApi();
    const address = await api.listen();
    // There before it is asked for.
    void api.invoke(event);
    const child = spawn(node, ["--require", preload, client], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        AWS_LAMBDA_RUNTIME_API: address,
        _HANDLER: `${name}.handler`,
        AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/carrier",
        AWS_LAMBDA_LOG_STREAM_NAME: "1",
        AWS_LAMBDA_FUNCTION_NAME: "carrier",
        AWS_LAMBDA_FUNCTION_VERSION: "1",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
        LAMBDA_TASK_ROOT: folder,
      },
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await api.close();
    return { stdout, stderr };
  };
}
