import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { zone } from "../live/preferences.js";
import { serverClock } from "../live/server-clock.js";
import { useSignal } from "../live/signal.js";
import { onTick } from "../live/tick.js";
import { exactly, moment, readInstant } from "../text/instants.js";
import { beginning, visibleStretches, visibleText } from "../text/visible.js";

/** In lines and titles; the whole stands where an activity is shown. */
const LINE = 200;

/**
 * Text that others wrote. It is text and never markup; what would steer the text around it or not be seen is named; and it
 * stands in an isolate of its own, so that its direction of writing ends with it.
 */
export function Foreign({ text, most = Number.POSITIVE_INFINITY }: { text: string; most?: number }): JSX.Element {
  const shown = beginning(text, most);
  return (
    <bdi>
      {visibleStretches(shown).map((stretch) =>
        stretch.named === undefined ? stretch.text : <span class="unseen">⟨{stretch.named}⟩</span>,
      )}
      {shown.length < text.length && <span class="muted">…</span>}
    </bdi>
  );
}

/** The same on one line, cut to its place, with as much as a title can hold on hover. */
export function ForeignLine({ text, class: more = "" }: { text: string; class?: string }): JSX.Element {
  const line = beginning(text, LINE).replaceAll(/\s+/g, " ");
  return (
    <span class={`cut ${more}`} title={visibleText(beginning(text, 1000))}>
      <Foreign text={line} />
      {line.length < text.length && "…"}
    </span>
  );
}

/** An instant in the viewer's zone; the instant to the millisecond on hover. What is none is shown as it came. */
export function When({ at }: { at: string | null }): JSX.Element {
  const shownZone = useSignal(zone);
  const ms = readInstant(at);
  if (at === null) return <span class="muted">–</span>;
  if (ms === undefined) return <Foreign text={`invalid: "${at}"`} most={60} />;
  return (
    <time dateTime={at} title={exactly(ms, shownZone)}>
      {moment(ms, shownZone, serverClock.now())}
    </time>
  );
}

/** Text that is written anew every second, without rendering what is around it. */
export function Ticking({ write, class: more = "" }: { write: (now: number) => string; class?: string }): JSX.Element {
  const place = useRef<HTMLSpanElement>(null);
  const latest = useRef(write);
  latest.current = write;
  useEffect(
    () =>
      onTick(() => {
        const text = latest.current(serverClock.now());
        if (place.current !== null && place.current.textContent !== text) place.current.textContent = text;
      }),
    [],
  );
  // The text is this element's alone: rendering again puts it right, too.
  useEffect(() => {
    if (place.current !== null) place.current.textContent = latest.current(serverClock.now());
  });
  return <span ref={place} class={`tick ${more}`} />;
}

/** Puts text on the clipboard; false where the browser does not let a page do so. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No secure context, or refused: the way of before.
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("aria-hidden", "true");
  const host = document.querySelector("dialog[open]") ?? document.body;
  host.append(area);
  const focused = document.activeElement;
  area.select();
  // oxlint-disable-next-line typescript/no-deprecated -- the only way where a page is not served over https or loopback
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}

/** A button that copies, and says on itself what came of it. */
export function CopyButton({
  text,
  children,
  quiet = true,
}: {
  text: string | (() => Promise<string>);
  children: ComponentChildren;
  quiet?: boolean;
}): JSX.Element {
  const [said, setSaid] = useState<string>();
  useEffect(() => {
    if (said === undefined) return;
    const timer = setTimeout(() => {
      setSaid(undefined);
    }, 2500);
    return () => {
      clearTimeout(timer);
    };
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      const wanted = typeof text === "string" ? text : await text();
      setSaid((await copyText(wanted)) ? "Copied" : "The browser refused: select the text and copy it");
    } catch (error) {
      setSaid(error instanceof Error ? error.message : "Could not be had");
    }
  };
  return (
    <button type="button" class={quiet ? "quiet" : ""} onClick={() => void copy()}>
      <span role="status">{said ?? ""}</span>
      {said === undefined && children}
    </button>
  );
}
