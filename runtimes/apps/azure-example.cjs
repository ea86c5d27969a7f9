// Runs an app of Azure's programming model as its worker does, with what the worker gives to the library in place of the
// worker: functions are registered there. argv: the file that package.json names as main.
const Module = require("node:module");
const { pathToFileURL } = require("node:url");

const registered = [];
const core = {
  version: "1.0.0",
  setProgrammingModel() {},
  registerHook: () => ({ dispose() {} }),
  registerFunction(metadata, callback) {
    registered.push({ metadata, callback });
    return { dispose() {} };
  },
};
const load = Module._load;
Module._load = function (request, ...rest) {
  return request === "@azure/functions-core" ? core : load.call(this, request, ...rest);
};

async function main() {
  await import(pathToFileURL(process.argv[2]).href);
  const [{ metadata, callback }, ...others] = registered;
  const { trigger } = { trigger: Object.values(metadata.bindings).find(({ type }) => type === "httpTrigger") };
  if (others.length > 0 || metadata.name !== "tasks" || trigger?.authLevel !== "anonymous") {
    throw new Error(`not what the example says: ${JSON.stringify(registered)}`);
  }
  const { answerLines } = await import("./azure-lines.mjs");
  await answerLines(callback);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
