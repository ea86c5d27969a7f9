/**
 * Parts of the dispatcher for tools that look where it looks. Not for applications: what is exported here may change with
 * any version. What the engine's wire says is in `@durable-workflow/engine-protocol`.
 */
export {
  type Credential,
  CredentialError,
  CredentialStore,
  type CredentialStoreOptions,
} from "./delivery/credentials.js";
export { type ReadToken, readToken } from "./config/token.js";
export { readTextFile, NotTextError } from "./config/text-file.js";
export { ServerClock } from "./engine/server-clock.js";
export { createAgent } from "./net/agents.js";
export { Proxies } from "./net/proxies.js";
export { Secrets } from "./net/secrets.js";
