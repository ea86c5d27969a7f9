import { Signal } from "../live/signal.js";
import { type Route, readRoute, writeRoute } from "./route.js";

/** Where the page is now. */
export const place = new Signal<Route>(readRoute(""));

let list = "#/l";

/** The list as it was seen last, with its filter. */
export function lastList(): string {
  return list;
}

export function followLocation(): void {
  place.subscribe(() => {
    if (place.value.path[0] === "l") list = writeRoute(place.value.path, place.value.query);
  });
  const read = (): void => {
    place.value = readRoute(location.hash);
  };
  addEventListener("hashchange", read);
  read();
}

/** Goes somewhere: as a step of its own in the browser's history, or (`replace`) in the place of the one before. */
export function go(
  path: readonly string[],
  query: Readonly<Record<string, string | undefined>> = {},
  { replace = false }: { replace?: boolean } = {},
): void {
  const hash = writeRoute(path, query);
  if (replace) {
    history.replaceState(history.state, "", hash);
    place.value = readRoute(hash);
  } else {
    location.hash = hash;
  }
}

export function activityLink(id: string, runId?: string): string {
  return writeRoute(["a", id], { run: runId });
}
