import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { patience } from "./packages/test-support/src/patience.js";

export default defineConfig({
  test: {
    include: [
      "packages/*/{src,test}/**/*.test.ts",
      "chaos/*.test.ts",
      "examples/billing/**/*.test.ts",
      "runtimes/fast/*.test.ts",
    ],
    exclude: ["**/node_modules/**", "**/dist/**"],
    reporters: ["default", "./scripts/skip-reporter.mjs"],
    ...patience,
    // Many tests wait for servers and processes: three side by side keep two cores busy.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      exclude: ["**/*.test.ts", "**/index.ts", "packages/test-support/**"],
      reporter: ["text-summary", "json-summary", "html"],
      reportsDirectory: "coverage",
    },
  },
});
