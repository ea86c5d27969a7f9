export * from "./api/index.js";
export {
  type EngineAnswer,
  type EngineCall,
  type EngineStream,
  type EngineTransport,
  EngineUnreachable,
} from "./engine/transport.js";
export { isLoopbackHost } from "./http/guard.js";
export { createInspector, type Inspector, type InspectorOptions } from "./inspector.js";
