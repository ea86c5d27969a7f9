import { Signal } from "../live/signal.js";
import { type Route, readRoute, writeRoute } from "./route.js";

/** Where the page is now. */
export const place = new Signal<Route>(readRoute(""));

export function followLocation(): void {
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
