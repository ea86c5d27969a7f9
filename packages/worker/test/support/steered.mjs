// A worker that signals steer, in a process of its own. What it says goes to standard output, a line each.
import { createActivityWorker, handleSignals } from "@durable-workflow/worker";

const say = (word) => process.stdout.write(`${word}\n`);
const worker = createActivityWorker({
  taskQueue: "lamps",
  serverUrl: process.env.ENGINE,
  token: process.env.TOKEN,
  environment: {},
  drainMs: Number(process.env.DRAIN_MS),
  activities: {
    slow: async () => {
      say("begun");
      await new Promise((resolve) => setTimeout(resolve, 700));
      return "done";
    },
    hangs: () => {
      say("begun");
      return new Promise(() => undefined);
    },
    stray: () => {
      void Promise.reject(new RangeError("nobody waits for this"));
      return new Promise(() => undefined);
    },
  },
});
handleSignals(worker, { fatal: process.env.FATAL === "yes" });
worker.events.on(({ type }) => (type === "registered" || type === "draining") && say(type));
await worker.start();
