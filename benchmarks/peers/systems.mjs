// The systems that users would pick instead, each with every start and result on disk before a caller is told.
import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { HttpClient } from "../chain/http-client.mjs";
import { Measured } from "../chain/processes.mjs";
import { postgresFolder, programOf } from "./install.mjs";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const stopAll = async (processes) => {
  for (const one of processes.toReversed()) await one.stop();
};

/** BullMQ over a Redis that flushes its log at every write. */
export function bullmq(modules) {
  const redis = programOf("redis-server");
  if (redis === undefined)
    return { name: "BullMQ", missing: "redis-server is not installed (apt-get install redis-server)" };
  return {
    name: "BullMQ",
    settings: "Redis with `appendonly yes`, `appendfsync always`; worker of 64 at once",
    async start(folder) {
      const port = await freePort();
      const args = [
        "--port",
        String(port),
        "--dir",
        folder,
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
      ];
      const server = new Measured("redis", redis, args, { ready: /Ready to accept connections/ });
      await server.ready;
      const worker = new Measured("worker", process.execPath, [join(modules, "bullmq-worker.mjs"), String(port)], {
        ready: /ready/,
      });
      await worker.ready;
      const { Queue, QueueEvents, Redis } = await import(pathToFileURL(join(modules, "bullmq-client.mjs")).href);
      // One that waits for events can ask nothing else.
      const connections = [1, 2].map(() => new Redis(port, "127.0.0.1", { maxRetriesPerRequest: null }));
      const queue = new Queue("default", { connection: connections[0] });
      const events = new QueueEvents("default", { connection: connections[1] });
      await events.waitUntilReady();
      const processes = [server, worker];
      return {
        processes,
        async call(type, argument) {
          return await (await queue.add(type, { argument })).waitUntilFinished(events);
        },
        begin: (type, argument) => queue.add(type, { argument }),
        async open() {
          const counts = await queue.getJobCounts("waiting", "active", "prioritized");
          return Object.values(counts).reduce((sum, one) => sum + one, 0);
        },
        async stop() {
          await Promise.all([events.close(), queue.close()]);
          for (const one of connections) one.disconnect();
          await stopAll(processes);
        },
      };
    },
  };
}

/** Restate, a plain handler: one round trip to its ingress gives the result. */
export function restate(modules) {
  const binary = join(
    modules,
    `node_modules/@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
  );
  const node22 = [join(modules, "node_modules/node-22/bin/node")].find((path) => existsSync(path));
  const node = Number(process.versions.node.split(".")[0]) >= 22 ? process.execPath : node22;
  if (!existsSync(binary))
    return { name: "Restate", missing: `npm has no restate-server for ${process.platform} ${process.arch}` };
  if (node === undefined) return { name: "Restate", missing: "its SDK wants Node 22, and npm gave none" };
  return {
    name: "Restate",
    settings: "one node, defaults (its log is flushed before it answers); a plain handler on Node 22",
    async start(folder) {
      const [ingress, admin, mesh] = [await freePort(), await freePort(), await freePort()];
      const service = new Measured("service", node, [join(modules, "restate-service.mjs")], { ready: /ready (\d+)/ });
      const [, port] = await service.ready;
      const env = {
        RESTATE_BASE_DIR: join(folder, "restate"),
        RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
        RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
        RESTATE_BIND_ADDRESS: `127.0.0.1:${mesh}`,
        RESTATE_LOG_FILTER: "warn",
        RESTATE_DISABLE_TELEMETRY: "true",
        DO_NOT_TRACK: "1",
      };
      const server = new Measured("server", binary, ["--no-logo"], { cwd: folder, env });
      const operator = new HttpClient(`http://127.0.0.1:${admin}`);
      await patiently(() => operator.send("POST", "/deployments", { uri: `http://127.0.0.1:${port}` }));
      const client = new HttpClient(`http://127.0.0.1:${ingress}`);
      await patiently(() => client.send("POST", "/chain/greet", "Ada"));
      const processes = [server, service];
      return {
        processes,
        call: (type, argument) => client.send("POST", `/chain/${type}`, argument),
        begin: (type, argument) => client.send("POST", `/chain/${type}/send`, argument),
        async open() {
          const query = "SELECT count(*) AS open FROM sys_invocation WHERE status <> 'completed'";
          const answer = await operator.send("POST", "/query", { query }).catch(() => undefined);
          return answer?.rows?.[0]?.open ?? 1;
        },
        async stop() {
          client.close();
          operator.close();
          await stopAll(processes);
        },
      };
    },
  };
}

/** DBOS: the activity is a workflow of the process that is called. */
export function dbos(modules) {
  const bin = postgresFolder();
  if (bin === undefined) return { name: "DBOS", missing: "PostgreSQL is not installed (apt-get install postgresql)" };
  return {
    name: "DBOS",
    settings: "PostgreSQL with its defaults (`fsync=on`, `synchronous_commit=on`); the activity is the workflow",
    async start(folder) {
      const data = join(folder, "postgres");
      mkdirSync(data);
      const port = await freePort();
      // It refuses to run as root.
      const asRoot = process.getuid?.() === 0;
      if (asRoot) {
        for (const path of [folder, data]) chownSync(path, postgresId("-u"), postgresId("-g"));
      }
      const as = (program, args) =>
        asRoot
          ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", program, ...args]]
          : [program, args];
      const [init, initArgs] = as(join(bin, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust"]);
      const made = spawnSync(init, initArgs, { encoding: "utf8" });
      if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
      writeFileSync(join(data, "postgresql.auto.conf"), `unix_socket_directories = ''\nport = ${port}\n`);
      const [program, args] = as(join(bin, "postgres"), ["-D", data]);
      const server = new Measured("postgres", program, args, { ready: /ready to accept connections/ });
      await server.ready;
      const url = `postgresql://postgres@127.0.0.1:${port}/chain`;
      const app = new Measured("app", process.execPath, [join(modules, "dbos-app.mjs"), url], { ready: /ready (\d+)/ });
      const [, appPort] = await app.ready;
      const client = new HttpClient(`http://127.0.0.1:${appPort}`);
      const processes = [server, app];
      return {
        processes,
        async call(type, argument) {
          return (await client.send("POST", "/", { type, argument, waits: true })).result;
        },
        begin: (type, argument) => client.send("POST", "/", { type, argument, waits: false }),
        open: async () => (await client.send("GET", "/")).open,
        async stop() {
          client.close();
          await stopAll(processes);
        },
      };
    },
  };
}

function postgresId(flag) {
  return Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
}

async function patiently(ask) {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
