import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { bearerToken, defineActivity } from "@durable-workflow/carrier";
import { activityManifest } from "@durable-workflow/carrier/manifest";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { type InvocableServer, serve } from "@durable-workflow/carrier/serve";
import { inputShape } from "@durable-workflow/inspector";
import { listen } from "@durable-workflow/test-support/loopback";
import { SourceTree } from "@durable-workflow/test-support/sources";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { begin, folderOf, jsonLines, Running, root, run } from "./support/cli.js";
import { shownSchema } from "./support/shown-schema.js";

/** What carriers and workers know of the arguments of their activities, as the form of the engine's page is shown it. */

const TOKEN = "s3cret-of-the-carrier";
const list = (...prefixItems: readonly object[]) => ({ type: "array", prefixItems, items: false });
const CHARGE = list({ type: "string" }, expect.objectContaining({ type: "integer" }));

const carrier = (path: string): string => JSON.stringify(join(root, "packages/carrier/dist", path));
const ZOD = JSON.stringify(join(root, "node_modules/zod/index.js"));
const activitiesText = (second: string): string => `
  import { defineActivity } from ${carrier("index.js")};
  import { z } from ${ZOD};
  export const charge = defineActivity({ input: [z.string(), ${second}], run: () => 1 });
  export const plain = () => 1;
`;

async function shown(engineUrl: unknown, type: string): Promise<unknown> {
  const schema = await shownSchema(engineUrl, type);
  return schema === null || schema === undefined ? schema : JSON.parse(schema);
}

const engineUrlOf = (running: Running): unknown =>
  jsonLines(running.stdout).find(({ engineUrl }) => engineUrl !== undefined)?.["engineUrl"];

async function dev(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Running> {
  const running = begin(["dev", ...args, "--engine-port", "0", "--memory", "--json"], { cwd, env });
  await running.until(/"listening"/);
  return running;
}

/** Each look starts a process. */
const SELDOM = { interval: 100 };

it("dev FILES tells them of its files, and of what its files become", async () => {
  const cwd = folderOf({ "a.mjs": activitiesText("z.number().int()") });
  const running = await dev(["a.mjs", "--watch"], cwd);
  const url = engineUrlOf(running);
  await expect.poll(() => shown(url, "charge"), SELDOM).toEqual(CHARGE);
  expect(await shown(url, "plain")).toBeNull();
  writeFileSync(join(cwd, "a.mjs"), activitiesText("z.boolean()"));
  await expect.poll(() => shown(url, "charge"), SELDOM).toEqual(list({ type: "string" }, { type: "boolean" }));
  await running.stop();
});

it("serve and the library's own carriers tell them to dev URL, behind their gates", async () => {
  const cwd = folderOf({ "a.mjs": activitiesText("z.number().int()") });
  const env = { DW_CARRIER_TOKEN: TOKEN, APP_TOKEN: TOKEN };
  const served = begin(["serve", "a.mjs", "--port", "0", "--json"], { cwd, env });
  await served.until(/"listening"/);
  const servedUrl = String(jsonLines(served.stdout)[0]?.["url"]);
  const charge = defineActivity({ input: [z.string(), z.number().int()], run: () => 1 });
  const options = { auth: bearerToken(TOKEN), manifest: activityManifest() };
  const library: InvocableServer = await serve({ "library.charge": charge }, { ...options, port: 0, signals: false });
  onTestFinished(() => library.close({ lingerMs: 0, graceMs: 0 }));
  const server = createServer(nodeInvocableActivityHandler({ "node.charge": charge }, options));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => void server.close());
  const nodeUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const urls = [servedUrl, library.url, nodeUrl];
  const running = await dev([...urls, ...urls.flatMap((url) => ["--app-token-env", `${url}=APP_TOKEN`])], cwd, env);
  const url = engineUrlOf(running);
  for (const type of ["charge", "library.charge", "node.charge"]) {
    await expect.poll(() => shown(url, type), SELDOM).toEqual(CHARGE);
  }
  await running.stop();
  await served.stop();
});

it("dev tells them of an app that can be asked, beside one whose --types were named and which is sent no GET", async () => {
  const charge = defineActivity({ input: [z.string(), z.number().int()], run: () => 1 });
  const methods: (string | undefined)[] = [];
  const open = async (type: string, seen: (string | undefined)[]): Promise<string> => {
    const answer = nodeInvocableActivityHandler({ [type]: charge }, { manifest: activityManifest() });
    const served = await listen(
      createServer((request, response) => {
        seen.push(request.method);
        answer(request, response);
      }),
    );
    onTestFinished(() => served.close());
    return `${served.url}/`;
  };
  const telling = await open("telling.charge", []);
  const named = await open("named.charge", methods);
  const cwd = folderOf();
  const running = await dev([named, telling, "--types", `${named}=named.charge`], cwd);
  const url = engineUrlOf(running);
  await expect.poll(() => shown(url, "telling.charge"), SELDOM).toEqual(CHARGE);
  expect(await shown(url, "named.charge")).toBeNull();
  expect((await run(["start", "named.charge", '["a", 1]'], { cwd })).code).toBe(0);
  expect(methods).toEqual(["POST"]);
  await running.stop();
});

it("schemas that share an $id, and nothing else, stay each that of its own argument and type", async () => {
  /** Refers to a part of itself: what `#` stands for is told by the `$id` around it. */
  const shape = (type: string) => ({
    $id: "https://schemas.test/part",
    $ref: "#/$defs/part",
    $defs: { part: { type } },
  });
  const validator = (type: string) => Object.assign(z.unknown(), { toJSONSchema: () => shape(type) });
  const open = async (handlers: Parameters<typeof nodeInvocableActivityHandler>[0]): Promise<string> => {
    const served = await listen(createServer(nodeInvocableActivityHandler(handlers, { manifest: activityManifest() })));
    onTestFinished(() => served.close());
    return `${served.url}/`;
  };
  const of = (...types: readonly string[]) => defineActivity({ input: types.map(validator) as never, run: () => 1 });
  const one = await open({ "one.text": of("string"), "one.number": of("number") });
  const other = await open({ "other.flag": of("boolean"), "other.both": of("string", "number") });
  const running = await dev([one, other], folderOf());
  const url = engineUrlOf(running);
  const itself = (type: string): unknown => expect.objectContaining(shape(type));
  for (const [type, parts, beginning] of [
    ["one.text", ["string"], [""]],
    ["one.number", ["number"], [0]],
    ["other.flag", ["boolean"], [false]],
    ["other.both", ["string", "number"], ["", 0]],
  ] as const) {
    await expect.poll(() => shown(url, type), SELDOM).toMatchObject({ prefixItems: parts.map(itself) });
    // As the page's form, and `start --edit`, begin with.
    expect(inputShape(await shown(url, type))).toEqual(beginning);
  }
  await running.stop();
});

it("an engine by itself is told by dispatchers and workers, of mapped names too", async () => {
  const cwd = folderOf({
    "a.mjs": activitiesText("z.number().int()"),
    "worker.mjs": `
        import { defineActivity } from ${carrier("index.js")};
        import { createActivityWorker } from ${JSON.stringify(join(root, "packages/worker/dist/index.js"))};
        import { z } from ${ZOD};
        const activities = { "worker.charge": defineActivity({ input: [z.string(), z.number().int()], run: () => 1 }) };
        await createActivityWorker({ activities, taskQueue: "workers", serverUrl: process.argv[2] }).start();
      `,
  });
  const engine = begin(["engine", "--port", "0", "--memory", "--json"], { cwd });
  await engine.until(/"engineUrl"/);
  const url = String(engineUrlOf(engine));
  const served = begin(["serve", "a.mjs", "--port", "0", "--json"], { cwd });
  await served.until(/"listening"/);
  const mappings = ["charge", "billing.charge"].map((type) => {
    return {
      name: type,
      kind: "activity",
      task_queue: "bills",
      activity_type: type,
      carrier: "one",
      handler: "charge",
    };
  });
  const config = {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    carriers: { one: { type: "invocable_http", url: jsonLines(served.stdout)[0]?.["url"] } },
    mappings,
  };
  writeFileSync(join(cwd, "config.json"), JSON.stringify(config));
  const dispatch = ["dispatch", "--config", "config.json", "--ask-manifests", "--server", url, "--json"];
  const dispatcher = begin(dispatch, { cwd });
  const worker = new Running(process.execPath, ["worker.mjs", url], { cwd });
  onTestFinished(() => void worker.stop("SIGKILL"));
  for (const type of ["charge", "billing.charge", "worker.charge"]) {
    await expect.poll(() => shown(url, type), SELDOM).toEqual(CHARGE);
  }
  for (const running of [worker, dispatcher, served, engine]) await running.stop();
});

it("whoever passes tasks on to another handler passes on what it says of arguments", () => {
  const passers = ["carrier", "cli", "dispatcher", "worker"].flatMap((name) => {
    const sources = new SourceTree(new URL(`../../${name}/src/`, import.meta.url));
    return sources.files
      .filter(
        (file) =>
          !file.startsWith("testing/") &&
          /\bactivityTypes\b/.test(sources.code(file)) &&
          /\bhandle[:(]/.test(sources.code(file)),
      )
      .map((file) => [`${name}/${file}`, /\b(?:inputSchemas|handlers)\b/.test(sources.code(file))] as const);
  });
  expect(passers.length).toBeGreaterThan(5);
  expect(passers.filter(([, passes]) => !passes)).toEqual([]);
});
