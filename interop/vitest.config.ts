import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { patience } from "../packages/test-support/src/patience.js";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The interop suite: `npm run test:interop`. It is no part of `npm test`, as its peers must be fetched and built. */
export default defineConfig({
  root,
  test: {
    include: ["interop/**/*.test.ts"],
    globalSetup: ["interop/support/global-setup.ts"],
    reporters: ["default", "./scripts/skip-reporter.mjs"],
    ...patience,
    // Two cores, and peers that are processes of their own.
    maxWorkers: 2,
  },
});
