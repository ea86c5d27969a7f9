// The local engine in a process of its own. Arguments: the database file.
import { createLocalEngine } from "@durable-workflow/local-engine";

const engine = createLocalEngine({ file: process.argv[2] });
const { url } = await engine.listen({ port: 0 });
console.log(`engine ${url}`);
