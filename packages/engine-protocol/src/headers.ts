/** Headers of the engine's API, as answers spell them. */
export const PROTOCOL_VERSION_HEADER = "X-Durable-Workflow-Protocol-Version";
/** The header with the version of the control plane that a request speaks. */
export const CONTROL_PLANE_VERSION_HEADER = "X-Durable-Workflow-Control-Plane-Version";
/** The header with the namespace that a request is for. */
export const NAMESPACE_HEADER = "X-Namespace";

/** The same in lower case: as requests are sent here, and as Node names the headers that it has read. */
export const PROTOCOL_VERSION_FIELD = /* @__PURE__ */ lowerCase(PROTOCOL_VERSION_HEADER);
/** The header of the control plane's version, in lower case. */
export const CONTROL_PLANE_VERSION_FIELD = /* @__PURE__ */ lowerCase(CONTROL_PLANE_VERSION_HEADER);
/** The header of the namespace, in lower case. */
export const NAMESPACE_FIELD = /* @__PURE__ */ lowerCase(NAMESPACE_HEADER);

function lowerCase<Name extends string>(name: Name): Lowercase<Name> {
  return name.toLowerCase() as Lowercase<Name>;
}
