import { startAzureProcess } from "./support/azure-process.js";
import type { Platform } from "./support/platform.js";
import { installedFile, work } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

const node = installedFile("node-22/bin/node");

const platform: Platform = {
  name: "Azure Functions",
  given: "HttpRequest, tasks",
  missing: node.missing ?? installedFile("@azure/functions/package.json").missing,
  start: () => Promise.resolve(startAzureProcess({ program: node.path, args: ["azure-functions.mjs"], cwd: work })),
};

testPlatform(platform);
