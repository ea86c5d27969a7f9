/**
 * Every path of the page's API, relative to the directory that the page is served from, so that it works under any mount.
 * Ids travel in the query or the body, encoded once with `encodeURIComponent`; never in the path.
 */
export const ROUTES = {
  /** GET: {@link Capabilities}. */
  capabilities: "inspect/capabilities",
  /** GET: {@link Overview}. */
  overview: "inspect/overview",
  /** GET, query {@link ListQuery}: {@link ActivityList}. */
  activities: "inspect/activities",
  /** GET, query {@link ActivityQuery}: {@link ActivityDetail}. */
  activity: "inspect/activity",
  /** GET, query {@link HistoryQuery}: {@link HistoryPage}. */
  history: "inspect/history",
  /** GET, query {@link PayloadQuery}: {@link PayloadText}. */
  payload: "inspect/payload",
  /** GET, query {@link PayloadQuery} without offset: the bytes as a download, verified. */
  payloadBytes: "inspect/payload-bytes",
  /** GET, query {@link ActivityQuery}: {@link WireDocuments}. */
  wire: "inspect/wire",
  /** GET: {@link QueueList}. */
  queues: "inspect/queues",
  /** GET: {@link WorkerList}. */
  workers: "inspect/workers",
  /** GET: {@link TypeList}: what can be started. */
  types: "inspect/types",
  /** GET, server-sent events: {@link StreamEvent}. */
  events: "inspect/events",
  /** POST {@link ActionRequest}: {@link ActionOutcome}. */
  action: "inspect/action",
} as const;

export type RouteName = keyof typeof ROUTES;

/** Every POST must carry this header with {@link ACTION_HEADER_VALUE}: no form and no foreign page can send it. */
export const ACTION_HEADER = "x-dw-inspector";
export const ACTION_HEADER_VALUE = "1";

/** Version of this API; additions keep it, whatever breaks a reader raises it. In every {@link Capabilities}. */
export const API_VERSION = 1;
