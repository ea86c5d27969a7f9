/**
 * The control plane for tools: documents as they are on the wire, asked for with the tries, limits and errors of the client.
 * Programs that start activities want `createClient` of the package's main entry.
 */

export type { InlinePayload } from "../payload/large-payloads.js";
export { ID as ACTIVITY_ID } from "../start/request.js";
export type { Answer as ToolAnswer } from "../wire/connection.js";
export {
  type ActivityDescription,
  type ActivityPage,
  type ListedActivity,
  type ListedInputSchema,
  type ListedWorker,
  readActivityPage,
  readDescription,
  readWorkerPage,
  type StartedActivity,
  type WorkerPage,
  WrongAnswer,
} from "./answers.js";
export { type Availability, EngineTools, type ToolRequest } from "./engine-tools.js";
export type { EventStreamOptions } from "./event-stream.js";
export { allPages, type Page } from "./pages.js";
