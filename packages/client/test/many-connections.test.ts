import { createServer } from "node:http";
import { listen } from "@durable-workflow/test-support/loopback";
import { expect, it } from "vitest";
import { nodeTransport } from "../src/transport/node.js";

/** More than any limit of the transport's own would be. */
const REQUESTS = 300;

it(`${REQUESTS} requests at once each have a connection: how many there are is the client's to limit`, async () => {
  const server = await listen(createServer(() => undefined));
  const transport = nodeTransport();
  const end = new AbortController();
  const requests = Array.from({ length: REQUESTS }, () =>
    transport.send({
      method: "GET",
      url: server.url,
      headers: {},
      signal: end.signal,
      limitBytes: 1_000,
      body: undefined,
    }),
  );
  const settled = Promise.allSettled(requests);
  await server.connections(REQUESTS);
  end.abort();
  expect((await settled).every(({ status }) => status === "rejected")).toBe(true);
  await transport.close?.();
  await server.close();
});
