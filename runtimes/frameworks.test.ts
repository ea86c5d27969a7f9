import { appPlatform } from "./support/app-platform.js";
import { installedFile } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

/** Each in the oldest Node that it and the carrier run on. */
const node = installedFile("node-20/bin/node");

const FRAMEWORKS = [
  { name: "Express 5", needs: "express", args: ["express.mjs", "express"], given: "/tasks, object" },
  { name: "Express 4", needs: "express-4", args: ["express.mjs", "express-4"], given: "/tasks, object" },
  { name: "Fastify", needs: "fastify", args: ["fastify.mjs"], given: "/tasks, number" },
  { name: "Koa", needs: "koa", args: ["koa.mjs"], given: "/tasks, object" },
  { name: "Hono", needs: "hono", args: ["hono.mjs"], given: "string, /tasks" },
  { name: "h3", needs: "h3", args: ["h3.mjs"], given: "string, /tasks" },
  {
    name: "Google Cloud Functions",
    needs: "@google-cloud/functions-framework",
    args: ["google-cloud-functions.mjs"],
    given: "/tasks, object",
  },
];

for (const { name, needs, args, given } of FRAMEWORKS) {
  const missing = node.missing ?? installedFile(`${needs}/package.json`).missing;
  testPlatform(appPlatform({ name, given, missing }, () => ({ program: node.path, args })));
}
