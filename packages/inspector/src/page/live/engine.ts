import type { Capabilities } from "../../api/index.js";
import { Signal } from "./signal.js";

/** What the engine behind this page can tell and do; undefined until it has said so. */
export const capabilities = new Signal<Capabilities | undefined>(undefined);

/**
 * Why nothing can be done now, as a sentence; undefined where something can.
 *
 * @param known what a component has of {@link capabilities} by `useSignal`, so that it is drawn again once the engine has said so
 */
export function refusalOfActions(state: string, known: Capabilities | undefined): string | undefined {
  if (known?.isReadOnly === true) return "This page was started with --read-only.";
  if (state === "lost") return "The command that serves this page does not answer.";
  if (state === "engine_lost") return "The engine does not answer.";
  return undefined;
}
