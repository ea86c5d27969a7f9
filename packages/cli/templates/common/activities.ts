import { defineActivity, NonRetryableError } from "@durable-workflow/carrier";

/** The activities, by the type under which they are started. A plain function is one, and gets the arguments. */
export const activities = {
  "greetings.greet": (name: string): string => {
    // What is thrown is retried as the one who starts the activity says, unless it says that this is in vain.
    if (name === "") throw new NonRetryableError("A greeting needs a name.");
    return `Hello, ${name}`;
  },

  /** With a context: deadlines and cancellation abort its signal, and heartbeats tell how far it is. */
  "greetings.count": defineActivity({
    run: async (context, steps: number): Promise<number> => {
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
