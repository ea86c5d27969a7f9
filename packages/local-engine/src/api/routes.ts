import type { Route } from "../http/router.js";
import { activityRoutes } from "./activities.js";
import { activityReportsRoutes } from "./activity-reports.js";
import { activityTaskRoutes } from "./activity-tasks.js";
import { clusterRoutes } from "./cluster.js";
import { eventRoutes } from "./events.js";
import { inputSchemaRoutes } from "./input-schemas.js";
import { inspectionRoutes } from "./inspection.js";
import { namespaceRoutes } from "./namespaces.js";
import type { ApiParts } from "./parts.js";
import { payloadRoutes } from "./payloads.js";
import { pollRoutes } from "./polls.js";
import { registrationRoutes } from "./registrations.js";
import { runRoutes } from "./runs.js";
import { systemRoutes } from "./system.js";
import { taskQueueRoutes } from "./task-queues.js";
import { workerRoutes } from "./workers.js";

/** @param streams ends of the event streams that are open: whoever closes the engine calls them */
export function allRoutes(parts: ApiParts, streams: Set<() => void>): readonly Route[] {
  return [
    ...clusterRoutes(parts),
    ...activityRoutes(parts),
    ...pollRoutes(parts),
    ...activityTaskRoutes(parts),
    ...activityReportsRoutes(parts),
    ...registrationRoutes(parts),
    ...workerRoutes(parts),
    ...runRoutes(parts),
    ...payloadRoutes(parts),
    ...namespaceRoutes(parts),
    ...taskQueueRoutes(parts),
    ...systemRoutes(parts),
    ...inspectionRoutes(parts),
    ...inputSchemaRoutes(parts),
    ...eventRoutes(parts, streams),
  ];
}
