// npm run simulate [-- N]: N dispatchers (1,000) by one engine in virtual time, through an outage. CI does the same with fewer.
import { build, ensureInstalled, runBin } from "./lib.mjs";

ensureInstalled();
build();
const env = { ...process.env, SIMULATED_DISPATCHERS: process.argv[2] ?? "1000" };
process.exitCode = runBin("vitest", ["run", "packages/dispatcher/test/simulation"], { env }) ? 0 : 1;
