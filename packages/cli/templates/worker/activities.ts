import { defineActivity, NonRetryableError } from "@durable-workflow/carrier";
import { greet } from "./contract.ts";

export const activities = [
  defineActivity(greet, (_context, name) => {
    // What is thrown is retried as the one who starts the activity says, unless it says that this is in vain.
    if (name === "") throw new NonRetryableError("A greeting needs a name.");
    return { text: `Hello, ${name}` };
  }),
];
