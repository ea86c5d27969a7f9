// Azurite's blob service, in memory, on a free port of this machine; ends when standard input closes, as it does when the
// test run is killed. Prints "... successfully listens on http://127.0.0.1:PORT".
import { createRequire } from "node:module";

process.stdin.resume().on("close", () => process.exit(0));
process.argv.push("--inMemoryPersistence", "--blobPort", "0", "--skipApiVersionCheck", "--disableTelemetry");
createRequire(import.meta.url)("azurite/dist/src/blob/main.js");
