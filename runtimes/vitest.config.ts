import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { patience } from "../packages/test-support/src/patience.js";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The table of runtimes: `npm run test:runtimes`. It is no part of `npm test`, as they are fetched first. */
export default defineConfig({
  root,
  test: {
    include: ["runtimes/**/*.test.ts"],
    exclude: ["**/node_modules/**", "runtimes/fast/**"],
    globalSetup: ["runtimes/support/global-setup.ts"],
    reporters: ["default", "./scripts/skip-reporter.mjs"],
    ...patience,
    // Two cores, and platforms that are processes of their own.
    maxWorkers: 2,
  },
});
