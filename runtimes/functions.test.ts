import { appPlatform } from "./support/app-platform.js";
import { installedFile } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

/** The version of Node that both platforms run functions on. */
const node = installedFile("node-22/bin/node");

const vercel = installedFile("@vercel/node/dist/dev-server.mjs");
const VERCEL = [
  { kind: "web", given: "string, waitUntil function" },
  { kind: "fetch", given: "string, waitUntil function" },
  { kind: "node", given: "object, function" },
  { kind: "edge", given: "string, waitUntil function" },
];
for (const { kind, given } of VERCEL) {
  testPlatform(
    appPlatform({ name: `Vercel, ${kind}`, given, missing: node.missing ?? vercel.missing }, () => ({
      program: node.path,
      args: ["vercel-host.mjs", `vercel/${kind}.mjs`, vercel.path],
    })),
  );
}

const netlify = installedFile("@netlify/serverless-functions-api/package.json");
testPlatform(
  appPlatform(
    { name: "Netlify Functions", given: "/tasks, waitUntil function", missing: node.missing ?? netlify.missing },
    () => ({ program: node.path, args: ["netlify-host.mjs"] }),
  ),
);
