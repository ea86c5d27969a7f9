import { defineActivity, NonRetryableError } from "@durable-workflow/carrier";
import { z } from "zod";

/** The activities, by the type under which they are started. A plain function is one, and gets the arguments. */
export const activities = {
  "greetings.greet": (name: string): string => {
    // What is thrown is retried as the one who starts the activity says, unless it says that this is in vain.
    if (name === "") throw new NonRetryableError("A greeting needs a name.");
    return `Hello, ${name}`;
  },

  /**
   * With a context: deadlines and cancellation abort its signal, and heartbeats tell how far it is. With a schema for each
   * argument: others are refused, and the engine's page shows in its start form what they look like.
   */
  "greetings.count": defineActivity({
    input: [z.number().int().min(1).describe("how many steps of a tenth of a second")],
    run: async (context, steps) => {
      for (let step = 1; step <= steps; step++) {
        context.signal.throwIfAborted();
        context.heartbeat({ current: step, total: steps, unit: "steps" });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return steps;
    },
  }),
};

export default activities;
