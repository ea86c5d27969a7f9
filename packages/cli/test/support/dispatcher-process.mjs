// A dispatcher in a process of its own, which can be killed: argv is its options as JSON. Says so when it has begun.
import { createDispatcher, handleSignals } from "@durable-workflow/dispatcher";

const dispatcher = createDispatcher({
  profilesPath: "does-not-exist.json",
  configCheckMs: 0,
  ...JSON.parse(process.argv[2]),
});
handleSignals(dispatcher);
await dispatcher.start();
process.stdout.write("ready\n");
