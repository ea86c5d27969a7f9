import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

export default {
  // Where node_modules are, above this folder.
  turbopack: { root },
  outputFileTracingRoot: root,
};
