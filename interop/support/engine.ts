import { createLocalEngine } from "@durable-workflow/local-engine";
import type { Json } from "./line-peer.js";

/** The engine under test: our own, in memory, or one that already runs and is named by `INTEROP_ENGINE`. */
export interface EngineUnderTest {
  readonly url: string;
  clusterInfo(): Promise<Json>;
  close(): Promise<void>;
}

export async function startEngine(): Promise<EngineUnderTest> {
  const running = process.env["INTEROP_ENGINE"];
  const engine = running === undefined ? createLocalEngine({ file: ":memory:" }) : undefined;
  const url = running ?? (await engine?.listen())?.url ?? "";
  return {
    url,
    async clusterInfo() {
      const headers = { "X-Durable-Workflow-Control-Plane-Version": "2", ...authorization() };
      const response = await fetch(`${url}/api/cluster/info`, { headers });
      return (await response.json()) as Json;
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
