import { createInterface } from "node:readline";
import { type AppCommand, startProgram } from "./app.js";
import type { RunningPlatform, RuntimeAnswer, SentRequest } from "./platform.js";

type Answered = RuntimeAnswer & { readonly id: string };

interface Waiting {
  readonly resolve: (answer: RuntimeAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Azure's library in a process, without the host, which is no package: requests go in as lines, and answers come out as
 * lines; both are of the library's own classes in there.
 */
export function startAzureProcess(command: Omit<AppCommand, "listening">): RunningPlatform {
  const program = startProgram(command);
  let failure: Error | undefined;
  const waiting = new Map<string, Waiting>();
  program.process.once("exit", (code) => {
    failure = new Error(`The app ended with ${code}: ${program.said()}`);
    for (const { reject } of waiting.values()) reject(failure);
  });
  // A line that comes too late for a process that has ended: the exit tells.
  program.process.stdin.on("error", () => {});
  createInterface({ input: program.process.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) return;
    const answer = JSON.parse(line) as Answered;
    waiting.get(answer.id)?.resolve({ ...answer, isReused: true });
    waiting.delete(answer.id);
  });
  let sent = 0;
  const send = (request: SentRequest): Promise<RuntimeAnswer | undefined> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      const id = String(++sent);
      waiting.set(id, { resolve, reject });
      const { method, headers, body, read, leaveAfterMs } = request;
      const bytes = body === undefined ? null : Buffer.from(body).toString("base64");
      const path = read === true ? "/read" : "/tasks";
      program.process.stdin.write(`${JSON.stringify({ id, path, method, headers, body: bytes })}\n`);
      if (leaveAfterMs !== undefined) setTimeout(() => resolve(undefined), leaveAfterMs);
    });
  return { connect: () => ({ send, close: () => {} }), stop: () => program.stop() };
}
