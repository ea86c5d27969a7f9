export * from "./api/index.js";
export {
  type EngineAnswer,
  type EngineCall,
  type EngineStream,
  type EngineTransport,
  EngineUnreachable,
} from "./engine/transport.js";
export { createInspector, type Inspector } from "./inspector.js";
export type { InspectorOptions } from "./inspector-options.js";
export { Problem } from "./problem.js";
export { createViews, type ViewName, type Views } from "./views.js";
