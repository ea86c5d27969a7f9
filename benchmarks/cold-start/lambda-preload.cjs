// Goes before Lambda's runtime client: takes the time from where the client begins to load the function to its first answer,
// tells both on standard output, and ends the process. The client's own share is the same for every function.
const Module = require("node:module");
const { writeSync } = require("node:fs");

// It puts in place what is compiled where the client is installed.
require("../../runtimes/apps/lambda-native-client.cjs");
const load = Module._load;
let started = 0;
let worked;

Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (!request.endsWith("rapid-client.node")) return loaded;
  return {
    ...loaded,
    initializeClient(...given) {
      loaded.initializeClient(...given);
      worked = process.cpuUsage();
      started = performance.now();
    },
    done(_, answer) {
      const [ms, processor] = [performance.now() - started, process.cpuUsage(worked)];
      const { statusCode: status, body } = JSON.parse(answer);
      writeSync(1, JSON.stringify({ ms, processor, status, body }));
      process.exit();
    },
  };
};
