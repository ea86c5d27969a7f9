import { createRequire } from "node:module";

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string };

/** How this dispatcher names itself where it registers: with the version of its package. */
export const SDK_VERSION = `durable-workflow-dispatcher/${version}`;
