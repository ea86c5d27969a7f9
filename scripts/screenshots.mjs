// npm run screenshots: pictures of the inspector, of a real engine, into docs/images.
import { build, ensureInstalled, runBin } from "./lib.mjs";

ensureInstalled();
build();
process.exitCode = runBin("tsx", ["browser/screenshots.ts"]) ? 0 : 1;
