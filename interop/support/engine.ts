import { createLocalEngine } from "@durable-workflow/local-engine";
import type { Json } from "./line-peer.js";

/** The engine under test: our own, in memory, or one that already runs and is named by `INTEROP_ENGINE`. */
export interface EngineUnderTest {
  readonly url: string;
  clusterInfo(): Promise<Json>;
  /** Ids of the workers that are registered for a task queue. */
  workersOf(queue: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function startEngine(): Promise<EngineUnderTest> {
  const running = process.env["INTEROP_ENGINE"];
  const engine = running === undefined ? createLocalEngine({ file: ":memory:" }) : undefined;
  const url = running ?? (await engine?.listen())?.url ?? "";
  const read = async (path: string): Promise<Json> => {
    const headers = { "X-Durable-Workflow-Control-Plane-Version": "2", ...authorization() };
    return (await (await fetch(`${url}/api/${path}`, { headers })).json()) as Json;
  };
  return {
    url,
    clusterInfo: async () => read("cluster/info"),
    async workersOf(queue) {
      const { workers } = await read(`workers?task_queue=${encodeURIComponent(queue)}`);
      return (workers as readonly Json[])
        .filter(({ task_queue }) => task_queue === queue)
        .map(({ worker_id }) => String(worker_id));
    },
    close: async () => engine?.close(),
  };
}

/** The token of an engine that already runs, which may do everything: `INTEROP_TOKEN`. Our own wants none. */
export function engineToken(): { readonly token?: string } {
  const token = process.env["INTEROP_TOKEN"];
  return token === undefined ? {} : { token };
}

function authorization(): Record<string, string> {
  const { token } = engineToken();
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}
