import type { Command, ListedCommand } from "../shell/command.js";

/** Every command, in the order in which they are listed. Each is loaded when it is asked for, and no other with it. */
export const commands: readonly ListedCommand[] = [
  { name: "init", load: async () => (await import("./init.js")).init },
  { name: "dev", load: async () => (await import("./dev.js")).dev },
  { name: "engine", load: async () => (await import("./engine.js")).engine },
  { name: "start", load: async () => (await import("./start.js")).start },
  { name: "list", load: async () => (await import("./list.js")).list },
  { name: "show", load: async () => (await import("./show.js")).show },
  { name: "tail", load: async () => (await import("./tail.js")).tail },
  { name: "retry", load: async () => (await import("./retry.js")).retry },
  { name: "cancel", load: async () => (await import("./stop.js")).cancel },
  { name: "terminate", load: async () => (await import("./stop.js")).terminate },
  { name: "overview", load: async () => (await import("./overview.js")).overview },
  { name: "ui", load: async () => (await import("./ui.js")).ui },
  { name: "mcp", load: async () => (await import("./mcp.js")).mcp },
  { name: "drain", load: async () => (await import("./drain.js")).drain },
  { name: "resume", load: async () => (await import("./drain.js")).resume },
  { name: "backup", load: async () => (await import("./backup.js")).backup },
  { name: "serve", load: async () => (await import("./serve.js")).serve },
  { name: "dispatch", load: async () => (await import("./dispatch.js")).dispatch },
  { name: "check", load: async () => (await import("./check.js")).check },
  { name: "invoke", load: async () => (await import("./invoke.js")).invoke },
  { name: "inspect", load: async () => (await import("./inspect.js")).inspect },
  { name: "conformance", load: async () => (await import("./conformance.js")).conformance },
  { name: "doctor", load: async () => (await import("./doctor.js")).doctor },
  { name: "completion", load: async () => (await import("./completion.js")).completion(everyCommand) },
];

/** All of them, loaded. */
export function everyCommand(): Promise<readonly Command[]> {
  return Promise.all(commands.map(({ load }) => load()));
}
