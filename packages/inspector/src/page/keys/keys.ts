import { useLayoutEffect, useRef } from "preact/hooks";
import { letterKeys } from "../live/preferences.js";

/** What keys do, by their name as `KeyboardEvent.key` has it, or `g l` for two in a row. */
export type KeyMap = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const SECOND_KEY_MS = 1500;
const maps: { current: KeyMap }[] = [];
let first: { readonly key: string; readonly at: number } | undefined;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

function handle(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // A dialog has the keyboard to itself.
  if (document.querySelector("dialog[open]") !== null || isTyping(event.target)) return;
  const { key } = event;
  const isLetter = /^\S$/u.test(key);
  if (isLetter && letterKeys.value === "off") return;
  // A button or link that has the focus is pressed by these.
  if ((key === "Enter" || key === " ") && event.target instanceof Element && event.target.closest("a, button, summary"))
    return;
  const isSecond = first !== undefined && performance.now() - first.at < SECOND_KEY_MS;
  const name = isSecond ? `${first?.key} ${key}` : key;
  first = key === "g" && !isSecond ? { key, at: performance.now() } : undefined;
  // What was opened last goes first.
  for (const map of maps.toReversed()) {
    const action = Object.hasOwn(map.current, name) ? map.current[name] : undefined;
    if (action === undefined) continue;
    event.preventDefault();
    action(event);
    return;
  }
}

export function listenToKeys(): void {
  document.addEventListener("keydown", handle);
}

/** Gives keys a meaning as long as whoever calls this is on the page. */
export function useKeys(map: KeyMap): void {
  const latest = useRef(map);
  latest.current = map;
  useLayoutEffect(() => {
    maps.push(latest);
    return () => {
      maps.splice(maps.indexOf(latest), 1);
    };
  }, []);
}

/** As the help lists them. */
export const KEY_HELP: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    "Everywhere",
    [
      ["/", "find by id"],
      ["g o", "overview"],
      ["g l", "activities"],
      ["g q", "queues"],
      ["g s", "start one"],
      ["t", "times in UTC or in your zone"],
      ["?", "these keys"],
      ["Esc", "close, or back to the list"],
    ],
  ],
  [
    "In the list",
    [
      ["j k ↓ ↑", "next and previous"],
      ["Enter", "open"],
      ["n", "show new ones"],
      ["p", "pause, and go on"],
    ],
  ],
  [
    "At an activity",
    [
      ["1 – 5", "its parts"],
      ["[ ]", "previous and next try"],
      ["z", "fold pauses of the timeline"],
      ["y", "copy the id"],
      ["Y", "copy a link"],
      ["c", "cancel"],
      ["s", "start one like this"],
    ],
  ],
];
