import { koaInvocableActivityHandler } from "@durable-workflow/carrier/koa";
import Koa from "koa";
import bodyParser from "koa-bodyparser";
import { handlersWith, options } from "./carrier.mjs";

const handlers = handlersWith(([ctx]) => `${ctx.path}, ${typeof ctx.state}`);

const carrier = koaInvocableActivityHandler(handlers, options);
const parse = bodyParser({ enableTypes: ["json"], jsonLimit: "3mb", detectJSON: () => true });

const app = new Koa();
app.use((ctx, next) => (ctx.path === "/read" ? parse(ctx, next) : next()));
app.use(carrier);
const server = app.listen(0, "127.0.0.1", () =>
  console.log(`listening on http://127.0.0.1:${server.address().port}/tasks`),
);
