/**
 * The dispatcher's own reading of the protocol, for tools that say what it would do. Not for applications: what is
 * exported here may change with any version.
 */
export { type EngineMapping, readEngineMapping } from "./config/engine-mapping.js";
export {
  type Credential,
  CredentialError,
  CredentialStore,
  type CredentialStoreOptions,
} from "./delivery/credentials.js";
export { describeCommand } from "./config/redact.js";
export { type ReadToken, readToken } from "./config/token.js";
export { readTextFile, NotTextError } from "./config/text-file.js";
export { isLoopbackHost } from "./config/target.js";
export { activityTaskEnvelope } from "./delivery/envelope.js";
export { ServerClock } from "./engine/server-clock.js";
export { type LeasedTask, type ReadTask, readLeasedTask } from "./engine/task.js";
export { negotiateVersion, OWN_PROTOCOL_VERSION } from "./engine/version.js";
export { Secrets } from "./net/secrets.js";
