// An engine in a process of its own: argv is its options as JSON. Prints its port; ends when its input does.
import { createLocalEngine } from "../../packages/local-engine/dist/index.js";

const engine = createLocalEngine(JSON.parse(process.argv[2]));
const { port } = await engine.listen();
console.log(port);
process.stdin.resume().once("end", () => {
  void engine.close().then(() => process.exit(0));
});
