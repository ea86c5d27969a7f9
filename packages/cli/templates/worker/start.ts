import { createClient } from "@durable-workflow/client";
import { greet, TASK_QUEUE } from "./contract.ts";

const client = createClient({ serverUrl: process.env["DURABLE_WORKFLOW_SERVER_URL"] ?? "http://127.0.0.1:7070" });
const { text } = await client.execute(greet, [process.argv[2] ?? "Ada"], { taskQueue: TASK_QUEUE });
console.log(text);
await client.close();
