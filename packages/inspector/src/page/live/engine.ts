import type { Capabilities } from "../../api/index.js";
import { Signal } from "./signal.js";

/** What the engine behind this page can tell and do; undefined until it has said so. */
export const capabilities = new Signal<Capabilities | undefined>(undefined);

/** Why nothing can be done now, as a sentence; undefined where something can. */
export function refusalOfActions(state: string): string | undefined {
  const known = capabilities.value;
  if (known?.isReadOnly === true) return "This page was started with --read-only.";
  if (state === "lost") return "The command that serves this page does not answer.";
  if (state === "engine_lost") return "The engine does not answer.";
  return undefined;
}
