// A carrier in a process of its own, which can be killed: each task takes as long as its environment says.
import { serve } from "@durable-workflow/carrier/serve";

const taskMs = Number(process.env.TASK_MS);
const { url } = await serve(
  { work: () => new Promise((resolve) => setTimeout(() => resolve("done"), taskMs)) },
  { port: Number(process.env.PORT), host: "127.0.0.1" },
);
process.stdout.write(`${new URL(url).port}\n`);
