// Compiled by several versions of TypeScript, with the types of the platforms themselves: what the adapters make fits them.
import azure from "@azure/functions";
import type { ExecutionContext, ExportedHandler } from "@cloudflare/workers-types";
import { createContextKey } from "@durable-workflow/carrier";
import { azureFunctionsInvocableActivityHandler } from "@durable-workflow/carrier/azure-functions";
import { expressInvocableActivityHandler } from "@durable-workflow/carrier/express";
import { fastifyInvocableActivityHandler } from "@durable-workflow/carrier/fastify";
import { fetchInvocableActivityHandler } from "@durable-workflow/carrier/fetch";
import { googleCloudFunctionsInvocableActivityHandler } from "@durable-workflow/carrier/google-cloud-functions";
import { koaInvocableActivityHandler } from "@durable-workflow/carrier/koa";
import { type LambdaHttpResult, lambdaInvocableActivityHandler } from "@durable-workflow/carrier/lambda";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { serve } from "@durable-workflow/carrier/serve";
import * as functions from "@google-cloud/functions-framework";
import type { Context as NetlifyContext, Handler as NetlifyHandler } from "@netlify/functions";
import type { VercelApiHandler } from "@vercel/node";
import type {
  ALBHandler,
  APIGatewayProxyEventV2,
  APIGatewayProxyHandler,
  APIGatewayProxyHandlerV2,
  Handler,
  LambdaFunctionURLHandler,
} from "aws-lambda";
import express from "express";
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { H3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import type { NextApiHandler } from "next";

const handlers = { greet: (name: string) => `Hello, ${name}` };

const lambda = lambdaInvocableActivityHandler(handlers);
export const restApi: APIGatewayProxyHandler = lambda;
export const httpApi: APIGatewayProxyHandlerV2 = lambda;
export const balanced: ALBHandler = lambda;
export const functionUrl: LambdaFunctionURLHandler = lambda;
export const any: Handler = lambda;
export const answer = (event: APIGatewayProxyEventV2): Promise<LambdaHttpResult> => lambda(event);

export const netlifyOne: NetlifyHandler = lambda;

const netlifyKey = createContextKey<[request: Request, context: NetlifyContext] | undefined>(undefined);
export const netlify: (request: Request, context: NetlifyContext) => Promise<Response> = fetchInvocableActivityHandler(
  handlers,
  { platform: netlifyKey },
);
export const vercel: VercelApiHandler = nodeInvocableActivityHandler(handlers);

interface Env {
  readonly REGION: string;
}
const worker = createContextKey<[request: Request, env: Env, ctx: ExecutionContext] | undefined>(undefined);
const cloudflare = fetchInvocableActivityHandler(handlers, { platform: worker });
export const workers: (request: Request, env: Env, ctx: ExecutionContext) => Promise<Response> = cloudflare;
export type Exported = ExportedHandler<Env>;
export const plain: (request: Request) => Promise<Response> = fetchInvocableActivityHandler(handlers);

const expressKey = createContextKey<[request: express.Request, response: express.Response] | undefined>(undefined);
const app = express();
app.use("/tasks", expressInvocableActivityHandler(handlers));
app.use("/typed", expressInvocableActivityHandler(handlers, { platform: expressKey }));
app.use(nodeInvocableActivityHandler(handlers));

const fastifyKey = createContextKey<[request: FastifyRequest, reply: FastifyReply] | undefined>(undefined);
const server = fastify();
void server.register(fastifyInvocableActivityHandler(handlers), { prefix: "/tasks" });
void server.register(fastifyInvocableActivityHandler(handlers, { platform: fastifyKey }), { prefix: "/typed" });

const koaKey = createContextKey<[context: Koa.Context] | undefined>(undefined);
new Koa().use(koaInvocableActivityHandler(handlers)).use(koaInvocableActivityHandler(handlers, { platform: koaKey }));

const carrier = fetchInvocableActivityHandler(handlers);
new Hono().all("/tasks", (context) => carrier(context.req.raw));
new H3().all("/tasks", (event) => carrier(event.req));

functions.http("tasks", googleCloudFunctionsInvocableActivityHandler(handlers));

const azureKey = createContextKey<[request: azure.HttpRequest, context: azure.InvocationContext] | undefined>(
  undefined,
);
azure.app.http("tasks", { handler: azureFunctionsInvocableActivityHandler(handlers) });
azure.app.http("typed", { handler: azureFunctionsInvocableActivityHandler(handlers, { platform: azureKey }) });

export const pages: NextApiHandler = nodeInvocableActivityHandler(handlers);
export const listening = (): Promise<string> => serve(handlers, { port: 0 }).then(({ url }) => url);
