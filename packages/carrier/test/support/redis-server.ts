import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./loopback.js";

/** The title of what cannot run without it. */
export const REDIS_MISSING =
  "with Redis (there is no redis-server here, install it with: apt-get install redis-server)";

/** Whether `redis-server` is on the PATH. */
export function hasRedisServer(): boolean {
  return spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0;
}

/** A real Redis of its own, in memory only, on the loopback interface. */
export interface RedisServer {
  readonly port: number;
  /** From now on it takes connections and commands, and answers none, until {@link RedisServer.resume}. */
  pause(): void;
  resume(): void;
  /** Ends it, with all it holds. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** In place of a free one: for a server that takes the place of an earlier one. */
  readonly port?: number;
  /** A cluster of one node, which has all the slots and still refuses scripts over several. Needs Redis 7. */
  readonly cluster?: boolean;
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  // Another program may take a free port before Redis does.
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await freePort());
    const server = await launch(port, options.cluster === true);
    if (server !== undefined) return server;
    if (tries === 5) throw new Error(`redis-server did not start on port ${port}`);
  }
}

async function launch(port: number, cluster: boolean): Promise<RedisServer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "carrier-redis-"));
  const memoryOnly = ["--save", "", "--appendonly", "no", "--dir", folder];
  const bus = ["--cluster-port", String(await freePort()), "--cluster-announce-ip", "127.0.0.1"];
  const asCluster = ["--cluster-enabled", "yes", ...bus];
  const options = ["--port", String(port), "--bind", "127.0.0.1", ...memoryOnly, ...(cluster ? asCluster : [])];
  const server = spawn("redis-server", options, { stdio: "ignore" });
  const killWithParent = (): void => void server.kill("SIGKILL");
  process.once("exit", killWithParent);
  const gone = once(server, "exit").then(() => {
    process.off("exit", killWithParent);
    rmSync(folder, { recursive: true, force: true });
  });
  while (isAlive(server)) {
    const about = await ask(port, "INFO server");
    if (about.includes(`process_id:${server.pid}\r\n`)) {
      if (cluster) await takeAllSlots(port);
      return {
        port,
        pause: () => void server.kill("SIGSTOP"),
        resume: () => void server.kill("SIGCONT"),
        async stop() {
          server.kill("SIGKILL");
          await gone;
        },
      };
    }
    await sleep(20);
  }
  await gone;
  return undefined;
}

async function takeAllSlots(port: number): Promise<void> {
  await ask(port, "CLUSTER ADDSLOTSRANGE 0 16383");
  while (!(await ask(port, "CLUSTER INFO")).includes("cluster_state:ok")) await sleep(20);
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** The first piece of what a server answers to one command; empty when there is none. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`${command}\r\n`));
    const end = (answer: string): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => end(""));
    socket.once("data", (data) => end(data.toString()));
    socket.once("error", () => end(""));
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
