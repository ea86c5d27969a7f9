// node scripts/set-manifests.mjs: writes what every package.json says alike; a test looks whether that was done.
import { writeFileSync } from "node:fs";
import { manifestFolders, manifestPath, manifestText } from "./manifests.mjs";

for (const folder of manifestFolders()) writeFileSync(manifestPath(folder), manifestText(folder));
