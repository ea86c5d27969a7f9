// npm run bench [-- chain codec cold-start handler node payloads startup storage dispatcher worker local-engine scale]
import { chainBenchmarks } from "./chain.mjs";
import { codecBenchmarks } from "./codec.mjs";
import { coldStartBenchmarks } from "./cold-start.mjs";
import { dispatcherBenchmarks } from "./dispatcher.mjs";
import { handlerBenchmarks } from "./handler.mjs";
import { localEngineBenchmarks } from "./local-engine.mjs";
import { nodeBenchmarks } from "./node.mjs";
import { payloadBenchmarks } from "./payloads.mjs";
import { scaleBenchmarks } from "./scale.mjs";
import { startupBenchmarks } from "./startup.mjs";
import { storageBenchmarks } from "./storage.mjs";
import { workerBenchmarks } from "./worker.mjs";

const suites = {
  chain: chainBenchmarks,
  codec: codecBenchmarks,
  handler: handlerBenchmarks,
  "local-engine": localEngineBenchmarks,
  node: nodeBenchmarks,
  payloads: payloadBenchmarks,
  startup: startupBenchmarks,
  "cold-start": coldStartBenchmarks,
  storage: storageBenchmarks,
  dispatcher: dispatcherBenchmarks,
  worker: workerBenchmarks,
  scale: scaleBenchmarks,
};
const wanted = process.argv.slice(2);
for (const name of wanted.filter((word) => !(word in suites))) {
  console.error(`there is no benchmark ${name}; there are ${Object.keys(suites).join(", ")}`);
  process.exitCode = 2;
}
console.log(`Node ${process.versions.node}. Ratios within this run; lower is faster.`);
for (const [name, run] of Object.entries(suites)) {
  if (wanted.length === 0 || wanted.includes(name)) await run();
}
