// With the version of Express that is named.
import { expressInvocableActivityHandler } from "@durable-workflow/carrier/express";
import { handlersWith, options } from "./carrier.mjs";

const { default: express } = await import(process.argv[2]);
const handlers = handlersWith(([request, response]) => `${request.originalUrl}, ${typeof response.locals}`);

const app = express();
app.use("/read", express.json({ type: "*/*", limit: "3mb" }));
app.use(["/tasks", "/read"], expressInvocableActivityHandler(handlers, options));
const server = app.listen(0, "127.0.0.1", () =>
  console.log(`listening on http://127.0.0.1:${server.address().port}/tasks`),
);
