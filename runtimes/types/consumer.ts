// Compiled by several versions of TypeScript against the packages as they are packed, without passing over any types.
import { defineActivity, InvocableActivityHandler } from "@durable-workflow/carrier";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";
import { idempotent, MemoryIdempotencyStore } from "@durable-workflow/carrier/idempotency";
import { lambdaInvocableActivityHandler } from "@durable-workflow/carrier/lambda";
import { externalStorage, S3ExternalStorage } from "@durable-workflow/carrier/storage";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { carrierClient } from "@durable-workflow/carrier/testing";
import { createDispatcher } from "@durable-workflow/dispatcher";
import { createLocalEngine } from "@durable-workflow/local-engine";

/** Handlers by an interface, which has no index signature. */
interface Greetings {
  greet(name: string): Promise<string>;
  readonly count: () => number;
}
declare const greetings: Greetings;

export const handler = new InvocableActivityHandler(greetings, {
  carrier: "consumer",
  heartbeat: engineHeartbeats({ serverUrl: "https://engine.example", token: "t" }),
  idempotency: idempotent({ store: new MemoryIdempotencyStore() }),
  externalStorage: externalStorage(new LocalFilesystemExternalStorage({ root: "/srv/payloads" })),
});
export const fetching: (request: Request) => Promise<Response> = fetchInvocableActivityHandler(greetings);
export const lambda = lambdaInvocableActivityHandler(handler);
export const S3 = S3ExternalStorage;

export async function typed(): Promise<readonly [string, number, unknown]> {
  const client = carrierClient(greetings);
  // @ts-expect-error the argument is a text
  await client.call("greet", [7]);
  return [await client.call("greet", ["Ada"]), await client.call("count"), await client.call("part", [1])];
}

const add = defineActivity({ name: "add", run: (_context, left: number, right: number) => left + right });
export const sum: Promise<number> = carrierClient([add]).call(add, [2, 3]);

async function* streams(count: number): AsyncGenerator<number> {
  yield count;
}
// @ts-expect-error nobody would read what a generator yields
fetchInvocableActivityHandler({ streams });
// @ts-expect-error a number is no activity
fetchInvocableActivityHandler({ greet: 1 });

export const engine = createLocalEngine({ file: ":memory:" });
export const dispatcher = (config: object): ReturnType<typeof createDispatcher> =>
  createDispatcher({ config: () => config });
