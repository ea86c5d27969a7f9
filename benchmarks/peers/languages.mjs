// The same of other languages: how long the SDKs' codecs take, and what a task costs at the Python SDK's carrier.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeAvroValue, encodeAvroValue } from "@durable-workflow/carrier/payload";
import { HttpClient } from "../chain/http-client.mjs";
import { Measured } from "../chain/processes.mjs";

const own = (path) => fileURLToPath(new URL(path, import.meta.url));
const LIMIT_MS = 900_000;
const CALLS = 20_000;
const POSTS = 3_000;
const IN_FLIGHT = 16;

/** Every kind of value, nested. */
const VALUE = {
  workflow: "benchmark",
  attempt: 7,
  ratio: 7.5,
  enabled: true,
  note: "typed value",
  blob: new Uint8Array([0, 255]),
  items: [null, false, -9, 3.25, "nested", { region: "us-east-1", retries: [1, 2, 3] }],
};

function run(program, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: LIMIT_MS,
    ...options,
  });
  if (status === 0) return { stdout };
  return { missing: `${program}: ${(error?.message ?? stderr).trim().split("\n").at(-1)}` };
}

/** A virtual environment with the Python SDK, or why there is none. */
function preparePython(folder) {
  const environment = join(folder, "python");
  const program = join(environment, "bin", "python");
  const stamp = join(environment, "installed");
  const requirements = readFileSync(own("python/requirements.txt"), "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === requirements) return { program };
  rmSync(environment, { recursive: true, force: true });
  const made = run("python3", ["-m", "venv", environment]);
  if (made.missing !== undefined) return made;
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"];
  const installed = run(program, [...pip, own("python/requirements.txt")]);
  if (installed.missing !== undefined) return installed;
  writeFileSync(stamp, requirements);
  return { program };
}

function prepareRust(folder) {
  const project = join(folder, "rust");
  mkdirSync(project, { recursive: true });
  cpSync(own("rust"), project, { recursive: true, preserveTimestamps: true });
  const built = run("cargo", ["build", "--release", "--quiet"], { cwd: project });
  return built.missing === undefined ? { program: join(project, "target/release/codec-bench") } : built;
}

/** Microseconds that one call takes, once it is warm. */
function time(work) {
  for (let call = 0; call < CALLS; call++) work();
  const started = performance.now();
  for (let call = 0; call < CALLS; call++) work();
  return ((performance.now() - started) * 1000) / CALLS;
}

/** Microseconds to decode and to encode one payload, by codec; or why one is not there. */
export function codecs(folder) {
  const blob = encodeAvroValue(VALUE);
  const ours = () => {
    return [time(() => decodeAvroValue(blob)), time(() => encodeAvroValue(VALUE))];
  };
  /** @param {{ program?: string, missing?: string, stdout?: string }} prepared @param {string[]} args */
  const of = ({ program, missing }, args) => {
    if (missing !== undefined) return { missing };
    const said = run(program, [...args, blob, String(CALLS)]);
    return said.missing === undefined ? { us: said.stdout.trim().split(" ").map(Number) } : said;
  };
  return {
    "ours, Node": { us: ours() },
    "Python SDK 2.12.0": of(preparePython(folder), [own("python/codec.py")]),
    "Rust crate 4.10.2": of(prepareRust(folder), []),
  };
}

const CARRIERS = {
  async ours(folder) {
    const bin = own("../../packages/cli/dist/bin.js");
    const args = [bin, "serve", own("../chain/activities.mjs"), "--port", "0", "--json"];
    const one = new Measured("serve", process.execPath, args, { cwd: folder, ready: /"url":"([^"]+)"/ });
    return { one, url: (await one.ready)[1] };
  },
  async python(folder) {
    const { program, missing } = preparePython(folder);
    if (missing !== undefined) return { missing };
    const args = ["-m", "uvicorn", "carrier:app", "--port", "0", "--no-access-log", "--app-dir", own("python")];
    const one = new Measured("uvicorn", program, args, { ready: /running on (http:\/\/\S+)/ });
    return { one, url: (await one.ready)[1] };
  },
};

/** Processor time and rate of a task at a carrier alone: one POST of an envelope, again and again. */
export async function carrier(kind, folder, envelope) {
  const { one, url, missing } = await CARRIERS[kind](folder);
  if (missing !== undefined) return { missing };
  const client = new HttpClient(url, { "content-type": "application/vnd.durable-workflow.external-task-input+json" });
  const path = new URL(url).pathname;
  const post = async (times) => {
    let left = times;
    const lane = async () => {
      while (left-- > 0) {
        const answer = await client.send("POST", path, envelope);
        if (answer.outcome?.status !== "succeeded") throw new Error(JSON.stringify(answer).slice(0, 300));
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  };
  await post(POSTS / 3);
  const before = one.cpuMs;
  const started = performance.now();
  await post(POSTS);
  const figures = {
    cpuUs: ((one.cpuMs - before) * 1000) / POSTS,
    perSecond: (POSTS * 1000) / (performance.now() - started),
  };
  client.close();
  await one.stop();
  return figures;
}
