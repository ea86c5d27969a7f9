// An engine with the library's own defaults in a process of its own, which can be killed: argv is its options as JSON, and its
// port. Says so when it listens.
import { createLocalEngine } from "@durable-workflow/local-engine";

const engine = createLocalEngine(JSON.parse(process.argv[2]));
await engine.listen({ port: Number(process.argv[3]) });
process.stdout.write("ready\n");
