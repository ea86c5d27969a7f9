// An engine whose thread can be blocked: argv is its options as JSON. Prints its port; blocks for so many milliseconds as a
// line of its input says, and says so first; ends when its input does.
import { createInterface } from "node:readline";
import { createLocalEngine } from "../../dist/index.js";

const engine = createLocalEngine(JSON.parse(process.argv[2]));
const { port } = await engine.listen();
process.stdout.write(`${port}\n`);
createInterface({ input: process.stdin })
  .on("line", (line) => {
    process.stdout.write("blocked\n", () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(line));
    });
  })
  .once("close", () => {
    void engine.close().then(() => process.exit(0));
  });
