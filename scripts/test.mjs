// npm test: sets up what is missing, builds, and runs the test suites. Arguments go to vitest.
import { build, ensureInstalled, runBin } from "./lib.mjs";

ensureInstalled();
build();
process.exitCode = runBin("vitest", ["run", ...process.argv.slice(2)]) ? 0 : 1;
