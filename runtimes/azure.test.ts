import { createInterface } from "node:readline";
import { startProgram } from "./support/app.js";
import type { Platform, RuntimeAnswer, SentRequest } from "./support/platform.js";
import { installedFile, work } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

const node = installedFile("node-22/bin/node");

type Answered = RuntimeAnswer & { readonly id: string };

/** Azure's library in a process, without the host, which is no package: requests and answers are of its own classes. */
const platform: Platform = {
  name: "Azure Functions",
  given: "HttpRequest, tasks",
  missing: node.missing ?? installedFile("@azure/functions/package.json").missing,
  start() {
    const program = startProgram({ program: node.path, args: ["azure-functions.mjs"], cwd: work });
    const waiting = new Map<string, { resolve(answer: RuntimeAnswer): void; reject(error: Error): void }>();
    program.process.once("exit", (code) => {
      for (const { reject } of waiting.values()) reject(new Error(`The app ended with ${code}: ${program.said()}`));
    });
    createInterface({ input: program.process.stdout }).on("line", (line) => {
      if (!line.startsWith("{")) return;
      const answer = JSON.parse(line) as Answered;
      waiting.get(answer.id)?.resolve({ ...answer, isReused: true });
      waiting.delete(answer.id);
    });
    let sent = 0;
    const send = (request: SentRequest): Promise<RuntimeAnswer | undefined> =>
      new Promise((resolve, reject) => {
        const id = String(++sent);
        waiting.set(id, { resolve, reject });
        const { method, headers, body, read, leaveAfterMs } = request;
        const bytes = body === undefined ? null : Buffer.from(body).toString("base64");
        const path = read === true ? "/read" : "/tasks";
        program.process.stdin.write(`${JSON.stringify({ id, path, method, headers, body: bytes })}\n`);
        if (leaveAfterMs !== undefined) setTimeout(() => resolve(undefined), leaveAfterMs);
      });
    return Promise.resolve({ connect: () => ({ send, close: () => {} }), stop: program.stop });
  },
};

testPlatform(platform);
