// Our own systems: engine, dispatcher and carrier as three processes, engine and worker as two, and dev, which is one.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeAvroValue } from "@durable-workflow/carrier/payload";
import { HttpClient } from "./http-client.mjs";
import { Measured } from "./processes.mjs";

const BIN = fileURLToPath(new URL("../../packages/cli/dist/bin.js", import.meta.url));
const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));
const ACTIVITIES = fileURLToPath(new URL("activities.mjs", import.meta.url));
const HEADERS = { "x-durable-workflow-control-plane-version": "2" };
const WAIT_SECONDS = 60;

/**
 * @typedef {object} System what is measured: how to bring it up in an empty folder, and how its callers call
 * @property {string} name
 * @property {(folder: string) => Promise<Running>} start
 *
 * @typedef {object} Running
 * @property {Measured[]} processes
 * @property {(activity: string, argument: unknown) => Promise<unknown>} call until the result is there
 * @property {(activity: string, argument: unknown) => Promise<unknown>} begin until it is on record
 * @property {() => Promise<number>} open how many are not ended yet
 * @property {() => Promise<void>} stop
 */

function bodyOf(type, argument) {
  return { activity_type: type, task_queue: "default", input: [argument] };
}

/** A caller of the engine's own API. */
function callerOf(url) {
  const client = new HttpClient(url, HEADERS);
  return {
    // As the client's `execute` does.
    async call(type, argument) {
      const ended = await client.send("POST", `/api/activities?wait=${WAIT_SECONDS}`, bodyOf(type, argument));
      if (ended.status !== "completed") throw new Error(`${type} ended as ${ended.status}`);
      return decodeAvroValue(ended.result.blob);
    },
    begin: (type, argument) => client.send("POST", "/api/activities", bodyOf(type, argument)),
    async open() {
      const { activities } = await client.send("GET", "/api/activities?status=running&page_size=1");
      return activities.length;
    },
    close: () => client.close(),
  };
}

/** What a benchmark does to a system of ours that is up. */
export function running(processes, url) {
  const caller = callerOf(url);
  return {
    processes,
    ...caller,
    async stop() {
      caller.close();
      for (const one of processes.toReversed()) await one.stop();
    },
  };
}

/** The engine that people start, with its data in a folder. */
export function engineIn(folder) {
  const args = [BIN, "engine", "--data", join(folder, "engine"), "--port", "0", "--json"];
  return new Measured("engine", process.execPath, args, { cwd: folder, ready: /"engineUrl":"([^"]+)"/ });
}

/** @type {System} */
export const separate = {
  name: "engine, dispatcher, carrier",
  async start(folder) {
    const engine = engineIn(folder);
    const serve = [BIN, "serve", ACTIVITIES, "--port", "0", "--json"];
    const carrier = new Measured("carrier", process.execPath, serve, { cwd: folder, ready: /"url":"([^"]+)"/ });
    const [[, engineUrl], [, carrierUrl]] = await Promise.all([engine.ready, carrier.ready]);
    writeFileSync(
      join(folder, "executor.json"),
      JSON.stringify({
        schema: "durable-workflow.external-executor.config",
        version: 1,
        defaults: { task_queue: "default" },
        carriers: { web: { type: "invocable_http", url: carrierUrl } },
        mappings: ["greet", "size"].map((type) => ({
          name: type,
          kind: "activity",
          activity_type: type,
          carrier: "web",
          handler: type,
        })),
      }),
    );
    const dispatch = [BIN, "dispatch", "--config", "executor.json", "--server", engineUrl, "--json"];
    const dispatcher = new Measured("dispatcher", process.execPath, dispatch, {
      cwd: folder,
      ready: /"event":"registered"/,
    });
    await dispatcher.ready;
    return running([engine, dispatcher, carrier], engineUrl);
  },
};

/** @type {System} */
export const worked = {
  name: "engine, worker",
  async start(folder) {
    const engine = engineIn(folder);
    const [, url] = await engine.ready;
    const worker = new Measured("worker", process.execPath, [WORKER, url], { ready: /worker ready/ });
    await worker.ready;
    return running([engine, worker], url);
  },
};

/** @type {System} */
export const dev = {
  name: "dev",
  async start(folder) {
    const args = [BIN, "dev", ACTIVITIES, "--port", "0", "--json"];
    const one = new Measured("dev", process.execPath, args, { cwd: folder, ready: /"engineUrl":"([^"]+)"/ });
    const [, url] = await one.ready;
    return running([one], url);
  },
};
