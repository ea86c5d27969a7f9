// An engine in a process of its own, to be killed or measured: argv is its options as JSON. Prints its port; ends when its
// input does.
import { createLocalEngine } from "@durable-workflow/local-engine";

const engine = createLocalEngine(JSON.parse(process.argv[2]));
const { port } = await engine.listen();
process.stdout.write(`${port}\n`);
process.stdin.resume().once("end", () => {
  void engine.close().then(() => process.exit(0));
});
