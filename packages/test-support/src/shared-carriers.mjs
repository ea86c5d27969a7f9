/** An executor config in which each of several carriers has its share of the activity types. */
export function sharedCarriers(urls, types) {
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "default" },
    carriers: Object.fromEntries(urls.map((url, index) => [`carrier-${index}`, { type: "invocable_http", url }])),
    mappings: types.map((type, index) => ({
      name: type,
      kind: "activity",
      activity_type: type,
      carrier: `carrier-${index % urls.length}`,
      handler: type,
    })),
  };
}
