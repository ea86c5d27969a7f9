// npm start: sets up what is missing, builds, and runs the main job.
import { build, ensureInstalled, root, run } from "./lib.mjs";

ensureInstalled();
build();
const ok = run(process.execPath, [`${root}scripts/main-job.mjs`, ...process.argv.slice(2)]);
process.exitCode = ok ? 0 : 1;
