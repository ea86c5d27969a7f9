import { readAction } from "./action/read-action.js";
import { type ActionOutcome, type ActionRequest, ROUTES, type RouteName } from "./api/index.js";
import { Desk } from "./desk.js";
import { routesOf } from "./http/routes.js";
import { type InspectorOptions, resolve } from "./inspector-options.js";
import { Problem } from "./problem.js";

/** The views that are documents: all but the stream, the bytes of a payload, and the actions. */
export type ViewName = Exclude<RouteName, "events" | "payloadBytes" | "action">;

export interface Views {
  /**
   * The document of a view, as its route answers.
   *
   * @param query parameters of the route; those that are undefined are left out
   * @throws {Problem} (as a rejection)
   */
  get(view: ViewName, query?: Readonly<Record<string, string | undefined>>): Promise<object>;
  /** @throws {Problem} (as a rejection) */
  act(request: ActionRequest): Promise<ActionOutcome>;
}

/** The same views and actions without HTTP, for commands and tools. */
export function createViews(options: InspectorOptions): Views {
  const desk = new Desk(resolve(options));
  const routes = routesOf(desk);
  return {
    async get(view, query = {}) {
      const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const answer = await routes
        .get(ROUTES[view])
        ?.handle({ query: new URLSearchParams(given), headers: {}, body: undefined });
      if (answer === undefined || !("document" in answer)) throw new Problem("not_found", `there is no view ${view}`);
      return answer.document;
    },
    act: async (request) => (await desk.actions()).do(readAction(request)),
  };
}
