// npm run test:inspector: the inspector's page in a real browser. Arguments go to vitest; see browser/README.md.
import { build, ensureInstalled, runBin } from "./lib.mjs";

ensureInstalled();
build();
const config = ["--config", "browser/vitest.config.ts"];
process.exitCode = runBin("vitest", ["run", ...config, ...process.argv.slice(2)]) ? 0 : 1;
