import type { JsonObject } from "@durable-workflow/carrier/protocol";
import type { ActivityMapping, ExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import type { CarrierDeliveryDeps } from "./carrier-delivery.js";
import type { InputSchemasRequest } from "./deliverer.js";
import type { LocalCarrier } from "./handler-delivery.js";

/** By activity type, JSON Schemas of the list of arguments. */
type InputSchemas = ReadonlyMap<string, JsonObject>;

export interface KnownInputsDeps {
  readonly delivery: Pick<CarrierDeliveryDeps, "http" | "credentials" | "handlers">;
  /** Whether HTTP carriers are asked, by a GET: all, none, or those of these names. */
  readonly askManifests: boolean | readonly string[];
}

/**
 * What a carrier of the config says of the arguments of its activities.
 *
 * @returns undefined for one that says nothing, cannot be asked, or is not to be
 * @throws (as a rejection) what asking it does
 */
export async function inputSchemasBy(
  { carrier, taskQueue, activityTypes, abort }: InputSchemasRequest,
  config: ExecutorConfig | undefined,
  { delivery: { http, credentials, handlers }, askManifests }: KnownInputsDeps,
): Promise<InputSchemas | undefined> {
  const mapped = (config?.mappings ?? []).filter((one) => one.carrier.name === carrier && one.taskQueue === taskQueue);
  const [first] = mapped;
  if (first === undefined) return undefined;
  const handler = handlers.get(first.carrier.name);
  let told: InputSchemas | undefined;
  if (handler !== undefined) told = await ofHandler(handler);
  else if (isAsked(first.carrier.name, askManifests) && first.carrier.type === "invocable_http") {
    const credential = await credentials.credentialFor(first);
    told = await http.inputSchemas({ carrier: first.carrier, credential, abort });
  }
  return told && new Map(activityTypes.flatMap((type) => namedAsMapped(type, told, mapped)));
}

function isAsked(carrier: string, asked: boolean | readonly string[]): boolean {
  return typeof asked === "boolean" ? asked : asked.includes(carrier);
}

/** A carrier looks for a handler of the activity's type, else for the one that the mapping names. */
function namedAsMapped(
  type: string,
  told: InputSchemas,
  mapped: readonly ActivityMapping[],
): readonly (readonly [string, JsonObject])[] {
  const mapping = mapped.find(({ activityType }) => activityType === type);
  const schema = told.get(type) ?? (mapping === undefined ? undefined : told.get(mapping.handler));
  return schema === undefined ? [] : [[type, schema]];
}

async function ofHandler(handler: LocalCarrier): Promise<InputSchemas | undefined> {
  if (handler.inputSchemas !== undefined) return handler.inputSchemas;
  // Loaded only where an engine wants to know it.
  const { inputSchemasOf, isInvocableHandler } = await import("@durable-workflow/carrier/manifest");
  return isInvocableHandler(handler) ? inputSchemasOf(handler) : undefined;
}
