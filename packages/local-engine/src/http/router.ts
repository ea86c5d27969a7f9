import { SERVICE_OPERATION_PATHS } from "@durable-workflow/engine-protocol";
import { type Call, type Plane, type Reply, ReplyError, type Role, type StreamReply } from "./call.js";
import { isStorable } from "./fields.js";

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** As in `/api/activities/:id`. */
  readonly pattern: string;
  readonly plane: Plane;
  /** Whose token may call it. */
  readonly roles: readonly Role[];
  /** Default: the plane's version header is required. */
  readonly needsVersion?: boolean;
  readonly handle: (call: Call) => Reply | StreamReply | Promise<Reply | StreamReply>;
}

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Node {
  readonly children: Map<string, Node>;
  placeholder: { readonly name: string; readonly node: Node } | undefined;
  readonly routes: Map<string, Route>;
}

/** Finds routes by their path, in time that does not depend on how many there are. */
export class Router {
  private readonly root = emptyNode();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      let node = this.root;
      for (const part of route.pattern.slice(1).split("/")) node = step(node, part);
      node.routes.set(route.method, route);
    }
  }

  /** @throws {ReplyError} 404 or 405 */
  match(method: string, path: string): Match {
    const params: Record<string, string> = {};
    let node: Node | undefined = this.root;
    for (const part of path.slice(1).split("/")) {
      const fixed: Node | undefined = node.children.get(part);
      if (fixed !== undefined) node = fixed;
      else if (node.placeholder !== undefined && part !== "") {
        params[node.placeholder.name] = decode(part, path);
        ({ node } = node.placeholder);
      } else throw notFound(path);
    }
    if (node.routes.size === 0) throw notFound(path);
    const route = node.routes.get(method === "HEAD" ? "GET" : method);
    if (route === undefined) throw wrongMethod(method, path, [...node.routes.keys()]);
    return { route, params };
  }
}

function emptyNode(): Node {
  return { children: new Map(), placeholder: undefined, routes: new Map() };
}

function step(node: Node, part: string): Node {
  if (part.startsWith(":")) {
    node.placeholder ??= { name: part.slice(1), node: emptyNode() };
    return node.placeholder.node;
  }
  const child = node.children.get(part) ?? emptyNode();
  node.children.set(part, child);
  return child;
}

function decode(part: string, path: string): string {
  try {
    const decoded = decodeURIComponent(part);
    // Nothing can have such a name.
    if (isStorable(decoded)) return decoded;
  } catch {
    // Not found either.
  }
  throw notFound(path);
}

function notFound(path: string): ReplyError {
  if (SERVICE_OPERATION_PATHS.test(path)) {
    const message = "Service operations are not part of this engine: it runs activities only. Use a server for them.";
    return new ReplyError(404, { message, reason: "service_operations_unavailable" });
  }
  return new ReplyError(404, { message: `The route ${path.slice(1)} could not be found.`, reason: "not_found" });
}

function wrongMethod(method: string, path: string, methods: readonly string[]): ReplyError {
  const supported = methods.flatMap((name) => (name === "GET" ? ["GET", "HEAD"] : [name]));
  const message = `The ${method} method is not supported for route ${path.slice(1)}. Supported methods: ${supported.join(", ")}.`;
  return new ReplyError(405, { message, reason: "method_not_allowed" }, { Allow: supported.join(", ") });
}
