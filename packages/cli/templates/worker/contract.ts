import { activityContract } from "@durable-workflow/carrier/contract";
import { z } from "zod";

/**
 * What callers know of the activities: a name, types, and how they are started. No code of a handler. Its schemas check
 * arguments before they are sent and before the handler runs, and the engine's page shows in its start form what they look like.
 */
export const greet = activityContract({
  name: "greetings.greet",
  input: [z.string().describe("whom to greet")],
  output: z.object({ text: z.string() }),
});

export const TASK_QUEUE = "greetings";
