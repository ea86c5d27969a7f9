import { SERVICE_OPERATION_PATHS } from "@durable-workflow/engine-protocol";
import { type Call, type Plane, type Reply, ReplyError, type Role, type StreamReply } from "./call.js";
import type { DirectRoute } from "./direct.js";
import { isStorable } from "./fields.js";

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** As in `/api/activities/:id`. */
  readonly pattern: string;
  readonly plane: Plane;
  /** Whose token may call it. */
  readonly roles: readonly Role[];
  /** Default: the plane's version header is required. `either`: that of one of the two planes is. */
  readonly needsVersion?: boolean | "either";
  /** The property of the body that brings a payload: a long text in it is left apart. Default: none is. */
  readonly payload?: string;
  readonly handle: (call: Call) => Reply | StreamReply | Promise<Reply | StreamReply>;
  /** Where there, it serves the route in the place of `handle`. */
  readonly direct?: DirectRoute;
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
  /** Of patterns without a placeholder, by their paths. */
  private readonly fixed = new Map<string, ReadonlyMap<string, Route>>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      let node = this.root;
      for (const part of route.pattern.slice(1).split("/")) node = step(node, part);
      node.routes.set(route.method, route);
      if (!route.pattern.includes("/:")) this.fixed.set(route.pattern, node.routes);
    }
  }

  /** Undefined where {@link refusal} says why. */
  match(method: string, path: string): Match | undefined {
    const fixed = this.fixed.get(path);
    const params: Record<string, string> = {};
    const routes = fixed ?? this.find(path, params);
    const route = routes && routeOf(routes, method);
    return route && { route, params };
  }

  /** Why nothing matches: 404 or 405. */
  refusal(method: string, path: string): ReplyError {
    const routes = this.find(path, {});
    return routes === undefined ? notFound(path) : wrongMethod(method, path, [...routes.keys()]);
  }

  private find(path: string, params: Record<string, string>): ReadonlyMap<string, Route> | undefined {
    let node: Node | undefined = this.root;
    for (const part of path.slice(1).split("/")) {
      const fixed: Node | undefined = node.children.get(part);
      if (fixed !== undefined) node = fixed;
      else if (node.placeholder !== undefined && part !== "") {
        const value = decode(part);
        if (value === undefined) return undefined;
        params[node.placeholder.name] = value;
        ({ node } = node.placeholder);
      } else return undefined;
    }
    return node.routes.size === 0 ? undefined : node.routes;
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

function routeOf(routes: ReadonlyMap<string, Route>, method: string): Route | undefined {
  return routes.get(method === "HEAD" ? "GET" : method);
}

/** Undefined for what nothing can have as its name. */
function decode(part: string): string | undefined {
  try {
    const decoded = decodeURIComponent(part);
    return isStorable(decoded) ? decoded : undefined;
  } catch {
    return undefined;
  }
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
