import { activityContract } from "@durable-workflow/carrier/contract";

/** What callers know of the activities: a name, types, and how they are started. No code of a handler. */
export const greet = activityContract("greetings.greet").types<[name: string], { readonly text: string }>();

export const TASK_QUEUE = "greetings";
