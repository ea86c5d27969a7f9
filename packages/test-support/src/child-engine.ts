import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LocalEngineOptions } from "@durable-workflow/local-engine";
import { Client } from "./engine-client.js";

/** The program of an engine in a process of its own; its first argument is its options as JSON. */
export const ENGINE_PROCESS = fileURLToPath(new URL("engine-process.mjs", import.meta.url));

/** An engine in a process of its own, which can be killed. */
export class ChildEngine {
  readonly client: Client;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.client = new Client(`http://127.0.0.1:${port}`);
  }

  static async start(options: LocalEngineOptions): Promise<ChildEngine> {
    const child = spawn(process.execPath, [ENGINE_PROCESS, JSON.stringify(options)], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    let complaints = "";
    child.stderr.on("data", (text: Buffer) => (complaints += text.toString()));
    const port = await new Promise<number>((resolve, reject) => {
      child.stdout.once("data", (text: Buffer) => {
        resolve(Number(text.toString()));
      });
      // Not "exit", which may come before all that it has said.
      child.once("close", (code) => {
        reject(new Error(`the engine ended with ${code}: ${complaints}`));
      });
    });
    return new ChildEngine(child, port);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** As power loss would, were it not for the disk's own cache. */
  async kill(): Promise<void> {
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }

  /** As its owner would. */
  async stop(): Promise<void> {
    const exited = once(this.child, "exit");
    this.child.stdin?.end();
    await exited;
  }
}
