import { type ChildProcess, spawn } from "node:child_process";

/** A server in a process of its own, which ends when its standard input closes: so it outlives no test run. */
export interface ChildServer {
  /** The line it said when it was up. */
  readonly line: string;
  stop(): Promise<void>;
}

/** Starts a script, and waits until a line of its output matches. */
export async function startChildServer(script: URL, up: RegExp, flags: readonly string[] = []): Promise<ChildServer> {
  const child = spawn(process.execPath, [...flags, script.pathname], { stdio: ["pipe", "pipe", "pipe"] });
  const line = await firstLine(child, up);
  return {
    line,
    async stop() {
      const ended = new Promise((resolve) => {
        child.once("exit", resolve);
      });
      child.stdin?.end();
      await ended;
    },
  };
}

function firstLine(child: ChildProcess, up: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const listen = (text: string): void => {
      said += text;
      const line = said.split("\n").find((candidate) => up.test(candidate));
      if (line !== undefined) resolve(line);
    };
    child.stdout?.setEncoding("utf8").on("data", listen);
    child.stderr?.setEncoding("utf8").on("data", listen);
    child.once("error", reject);
    child.once("close", (status) => reject(new Error(`the server ended with status ${status}: ${said}`)));
  });
}
