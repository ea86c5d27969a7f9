import { fastifyInvocableActivityHandler } from "@durable-workflow/carrier/fastify";
import fastify from "fastify";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([request, reply]) => `${request.url}, ${typeof reply.elapsedTime}`);

const app = fastify();
await app.register(fastifyInvocableActivityHandler(handlers, options), { prefix: "/tasks" });
// A hook that has read the body, and hands on another stream.
await app.register(async (scope) => {
  scope.addHook("preParsing", async (_request, _reply, payload) => {
    const chunks = [];
    for await (const chunk of payload) chunks.push(chunk);
    const { Readable } = await import("node:stream");
    return Readable.from([Buffer.concat(chunks)], { objectMode: false });
  });
  await scope.register(fastifyInvocableActivityHandler(handlers, options), { prefix: "/read" });
});
// What the plugin registers is its own.
app.post("/others", async (request) => request.body);
console.log(`listening on ${await app.listen({ host: "127.0.0.1", port: 0 })}/tasks`);
