/**
 * Parts of the dispatcher for tools that look where it looks, and write as it writes. They are not for applications: they may change with any
 * version. What the engine's wire says is in `@durable-workflow/engine-protocol`.
 */
export { fileTrouble } from "./config/file-trouble.js";
export { CredentialStore } from "./delivery/credentials.js";
export { ServerClock } from "./engine/server-clock.js";
export { Secrets } from "./net/secrets.js";
export { flushLines, LineBatch } from "./service/line-batch.js";
