import type { Zone } from "../text/instants.js";
import { Signal } from "./signal.js";

export type Theme = "system" | "light" | "dark";

/** What a viewer chose stays in this browser. Where it keeps nothing, it holds until the page is closed. */
function kept<Value extends string>(name: string, values: readonly Value[], initial: Value): Signal<Value> {
  const key = `dw-inspector.${name}`;
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(key);
  } catch {
    // The browser was told to keep nothing.
  }
  const signal = new Signal<Value>(values.find((value) => value === stored) ?? initial);
  signal.subscribe(() => {
    try {
      localStorage.setItem(key, signal.value);
    } catch {
      // As above.
    }
  });
  return signal;
}

export const zone = kept<Zone>("zone", ["local", "utc"], "local");
export const theme = kept<Theme>("theme", ["system", "light", "dark"], "system");
/** Keys of a single letter can be switched off: speech input types them (WCAG 2.1.4). */
export const letterKeys = kept<"on" | "off">("letter-keys", ["on", "off"], "on");

export function followTheme(): void {
  const apply = (): void => {
    if (theme.value === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme.value;
  };
  theme.subscribe(apply);
  apply();
}
