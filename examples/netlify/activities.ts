import { defineActivity, NonRetryableError } from "@durable-workflow/carrier";

/** The activities of this carrier, by the type that workflows schedule them under. */
export const activities = {
  "greetings.greet": (name: string) => {
    if (name === "") throw new NonRetryableError("A greeting needs a name.");
    return `Hello, ${name}`;
  },

  /** Stops when the task's time is over, and when its caller goes away where the platform tells of that. */
  "greetings.wait": defineActivity({
    run: ({ signal }, milliseconds: number) =>
      new Promise<string>((resolve, reject) => {
        const timer = setTimeout(() => resolve("waited"), milliseconds);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        });
      }),
  }),
};
