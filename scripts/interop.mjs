// npm run test:interop: the released SDKs of other languages as peers. Arguments go to vitest; see interop/README.md.
import { build, ensureInstalled, runBin } from "./lib.mjs";

ensureInstalled();
build();
const config = ["--config", "interop/vitest.config.ts"];
process.exitCode = runBin("vitest", ["run", ...config, ...process.argv.slice(2)]) ? 0 : 1;
