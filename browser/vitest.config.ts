import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The inspector in a real browser: `npm run test:inspector`. It is no part of `npm test`, as it wants a Chromium. */
export default defineConfig({
  root,
  test: {
    include: ["browser/**/*.test.ts"],
    reporters: ["default", "./scripts/skip-reporter.mjs"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    // Each file has an engine and a browser of its own.
    maxWorkers: 2,
  },
});
