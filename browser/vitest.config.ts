import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { patience } from "../packages/test-support/src/patience.js";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The inspector in a real browser: `npm run test:inspector`. It is no part of `npm test`, as it wants a Chromium. */
export default defineConfig({
  root,
  test: {
    include: ["browser/**/*.test.ts"],
    reporters: ["default", "./scripts/skip-reporter.mjs"],
    ...patience,
    // Each file has an engine and a browser of its own.
    maxWorkers: 2,
  },
});
