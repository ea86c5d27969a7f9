/** Of activities: apart from `PATHS`, so that programs that need no other bundle no other. */
export const ACTIVITIES_PATH = "/api/activities";
/** Of one activity. */
export const ACTIVITY_PATH = `${ACTIVITIES_PATH}/:id` as const;

/** {@link ACTIVITY_PATH} of an id. */
export function activityPath(id: string): string {
  return `${ACTIVITIES_PATH}/${encodeURIComponent(id)}`;
}

/** The parts that a pattern has to be given: `"id" | "run"` for `/api/workflows/:id/runs/:run/history`. */
export type PathParts<Pattern extends string> = Pattern extends `${string}:${infer Name}/${infer Rest}`
  ? Name | PathParts<`/${Rest}`>
  : Pattern extends `${string}:${infer Name}`
    ? Name
    : never;

/** A path of the engine's API with its parts filled in, each percent-encoded. */
export function pathTo<Pattern extends string>(
  pattern: Pattern,
  parts: Readonly<Record<PathParts<Pattern>, string>>,
): string {
  const named = parts as Readonly<Record<string, string>>;
  return pattern
    .split("/")
    .map((part) => (part.startsWith(":") ? encodeURIComponent(named[part.slice(1)] ?? "") : part))
    .join("/");
}
