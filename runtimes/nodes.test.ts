import { appPlatform } from "./support/app-platform.js";
import { installedFile } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

for (const version of [20, 22, 24, 26]) {
  const { path, missing } = installedFile(`node-${version}/bin/node`);
  testPlatform(
    appPlatform({ name: `Node ${version}`, given: "/, function", missing }, () => ({
      program: path,
      args: ["node.mjs"],
    })),
  );
}
