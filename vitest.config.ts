import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests import sources; what they compile to is checked by the type check and the package checks.
  oxc: { tsconfig: false },
  test: {
    include: ["packages/*/{src,test}/**/*.test.ts", "examples/*/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 20_000,
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      exclude: ["**/*.test.ts", "**/index.ts"],
      reporter: ["text-summary", "json-summary", "html"],
      reportsDirectory: "coverage",
    },
  },
});
