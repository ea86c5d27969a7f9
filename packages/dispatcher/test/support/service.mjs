// The dispatcher as a service, of the built package: what a process of its own does.
import { createDispatcher, handleSignals, logEvents } from "@durable-workflow/dispatcher";
import { createLogger } from "@durable-workflow/dispatcher/logging";

const dispatcher = createDispatcher({
  connection: { serverUrl: process.env.ENGINE, token: "engine-t0ken" },
  profilesPath: "does-not-exist.json",
  configCheckMs: 0,
  ...JSON.parse(process.env.OPTIONS ?? "{}"),
});
logEvents(dispatcher.events, createLogger({ level: process.env.LEVEL ?? "debug" }));
handleSignals(dispatcher);
await dispatcher.start();
