import { bearerToken } from "@durable-workflow/carrier";
import { fastifyInvocableActivityHandler } from "@durable-workflow/carrier/fastify";
import fastify from "fastify";
import { activities } from "./activities.ts";

const app = fastify({ logger: { level: "warn" } });
await app.register(
  fastifyInvocableActivityHandler(activities, {
    auth: bearerToken(process.env.CARRIER_TOKEN ?? ""),
    health: true,
  }),
  { prefix: "/tasks" },
);

const host = process.env.HOST ?? "127.0.0.1";
const address = await app.listen({ host, port: Number(process.env.PORT ?? 8787) });
console.log(`listening on ${address}/tasks`);
