// npm run test:runtimes: the table of cases in every platform. Arguments go to vitest; see runtimes/README.md.
import { build, ensureInstalled, runBin } from "./lib.mjs";

ensureInstalled();
build();
const config = ["--config", "runtimes/vitest.config.ts"];
process.exitCode = runBin("vitest", ["run", ...config, ...process.argv.slice(2)]) ? 0 : 1;
