import type { JSX } from "preact";
import { useCallback, useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import type { ActivityRow } from "../../api/index.js";
import { useKeys } from "../keys/keys.js";
import { ProgressBar, Status } from "../parts/status.js";
import { ForeignLine, Ticking } from "../parts/text.js";
import { activityLink } from "../route/location.js";
import { beginning, visibleText } from "../text/visible.js";
import type { ListModel } from "./list-model.js";
import { ageOf, nowText } from "./now.js";

const WIDE_ROW = 32;
const NARROW_ROW = 74;
const NARROW = "(max-width: 860px)";
/** Rows beyond the edges, drawn so that scrolling meets no blank. */
const MARGIN = 8;

interface Rows {
  readonly model: ListModel;
  /** Grows with every change of the model. */
  readonly version: number;
  /** Asks for the rows that are looked at. */
  readonly onLook: (from: number, to: number) => void;
  readonly isFit: (row: ActivityRow) => boolean;
}

/** The rows that are looked at, of a list of any length. Lists of more rows have no more elements. */
export function ListRows({ model, version, onLook, isFit }: Rows): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const rowHeight = useRowHeight();
  const [, again] = useReducer((count: number) => count + 1, 0);
  const [active, setActive] = useState(0);
  const range = useRef({ from: 0, to: 0 });
  const wantsFocus = useRef(false);
  /** Between a key and the focus that follows it there is a frame: keys that are pressed meanwhile count. */
  const isFocusing = useRef(false);

  const measure = useCallback((): void => {
    const element = host.current;
    if (element === null) return;
    const top = -element.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor(top / rowHeight) - MARGIN);
    const to = Math.ceil((top + innerHeight) / rowHeight) + MARGIN;
    if (from === range.current.from && to === range.current.to) return;
    range.current = { from, to };
    again(undefined);
  }, [rowHeight]);

  useLayoutEffect(measure);
  useEffect(() => {
    let frame = 0;
    const onScroll = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        measure();
      });
    };
    addEventListener("scroll", onScroll, { passive: true });
    addEventListener("resize", onScroll);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", onScroll);
      removeEventListener("resize", onScroll);
    };
  }, [measure]);

  const { from, to } = range.current;
  useEffect(() => {
    onLook(from, to);
  }, [from, to, version, onLook]);

  const length = model.length;
  const move = (by: number): void => {
    const next = Math.max(0, Math.min(length - 1, active + by));
    setActive(next);
    wantsFocus.current = true;
    isFocusing.current = true;
    again(undefined);
  };
  const step = (by: number): void => {
    move(isFocusing.current || isInside(host.current) ? by : 0);
  };
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    const element = host.current;
    if (element === null) return;
    reveal(element, active, rowHeight);
    measure();
    requestAnimationFrame(() => {
      host.current?.querySelector<HTMLElement>(`[data-index="${active}"]`)?.focus({ preventScroll: true });
      isFocusing.current = false;
    });
  });
  const page = Math.max(1, Math.floor((innerHeight * 0.8) / rowHeight));
  useKeys({
    j: () => {
      step(1);
    },
    k: () => {
      step(-1);
    },
    ArrowDown: () => {
      step(1);
    },
    ArrowUp: () => {
      step(-1);
    },
    PageDown: () => {
      move(page);
    },
    PageUp: () => {
      move(-page);
    },
    Home: () => {
      move(-length);
    },
    End: () => {
      move(length);
    },
  });

  const rows: JSX.Element[] = [];
  const end = Math.min(to, length);
  const shown = new Set<number>();
  for (let index = from; index < end; index++) shown.add(index);
  // The row with the focus stays, wherever is scrolled to. Without it, the first row that is seen is where the keyboard comes in.
  if (active < length && isInside(host.current)) shown.add(active);
  const stop = shown.has(active) ? active : Math.min(end - 1, from + (from === 0 ? 0 : MARGIN));
  for (const index of [...shown].toSorted((a, b) => a - b)) {
    rows.push(
      <Row
        key={index}
        row={model.at(index)}
        index={index}
        top={index * rowHeight}
        isActive={index === stop}
        isFit={isFit}
        onFocus={setActive}
      />,
    );
  }
  return (
    <div
      class="grid"
      role="grid"
      aria-label="Activities, newest first"
      aria-rowcount={model.isComplete ? length + 1 : -1}
    >
      <div role="rowgroup" class="grid-head">
        <div role="row" aria-rowindex={1} class="row head">
          {["Status", "Type", "Id", "Queue", "Try", "Age", "Progress", "Now"].map((name) => (
            <span key={name} role="columnheader" class={`c-${name.toLowerCase()}`}>
              {name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={host} class="grid-body" style={{ height: `${length * rowHeight}px` }}>
        {rows}
      </div>
    </div>
  );
}

function isInside(element: HTMLElement | null): boolean {
  return element?.contains(document.activeElement) === true;
}

/** Scrolls so far that a row is seen whole, below the head of the page. */
function reveal(element: HTMLElement, index: number, rowHeight: number): void {
  const top = element.getBoundingClientRect().top + index * rowHeight;
  const head = 110;
  if (top < head) scrollBy(0, top - head);
  else if (top + rowHeight > innerHeight - 8) scrollBy(0, top + rowHeight - innerHeight + 8);
}

function useRowHeight(): number {
  const [isNarrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const media = matchMedia(NARROW);
    const read = (): void => {
      setNarrow(media.matches);
    };
    media.addEventListener("change", read);
    return () => {
      media.removeEventListener("change", read);
    };
  }, []);
  return isNarrow ? NARROW_ROW : WIDE_ROW;
}

function Row({
  row,
  index,
  top,
  isActive,
  isFit,
  onFocus,
}: {
  row: ActivityRow | undefined;
  index: number;
  top: number;
  isActive: boolean;
  isFit: (row: ActivityRow) => boolean;
  onFocus: (index: number) => void;
}): JSX.Element {
  const style = { transform: `translateY(${top}px)` };
  if (row === undefined) {
    return (
      <div
        role="row"
        class="row blank"
        aria-rowindex={index + 2}
        data-index={index}
        style={style}
        tabIndex={isActive ? 0 : -1}
      >
        <span role="gridcell">…</span>
      </div>
    );
  }
  const href = activityLink(row.id, row.runId);
  const name = visibleText(beginning(row.id, 200));
  return (
    <div
      role="row"
      class={`row ${isFit(row) ? "" : "past"}`}
      aria-rowindex={index + 2}
      data-index={index}
      style={style}
      tabIndex={isActive ? 0 : -1}
      aria-label={`${row.status}, ${visibleText(beginning(row.type, 200))}, ${name}`}
      onFocus={() => {
        onFocus(index);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && event.target === event.currentTarget) location.hash = href;
      }}
      onClick={(event) => {
        // A click with a key held, on a link, or at the end of a selection of text, is not meant for the row.
        if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        if (event.target instanceof Element && event.target.closest("a") !== null) return;
        if (getSelection()?.isCollapsed === false) return;
        location.hash = href;
      }}
    >
      <span role="gridcell" class="c-status">
        <Status word={row.status} closedReason={row.closedReason} />
      </span>
      <span role="gridcell" class="c-type cut">
        <ForeignLine text={row.type} />
      </span>
      <span role="gridcell" class="c-id cut">
        <a href={href} tabIndex={-1}>
          <ForeignLine text={row.id} class="mono" />
        </a>
      </span>
      <span role="gridcell" class="c-queue cut">
        <ForeignLine text={row.queue} />
      </span>
      <span role="gridcell" class="c-try number">
        {row.attempt === null ? "–" : row.maxAttempts === null ? row.attempt : `${row.attempt}/${row.maxAttempts}`}
      </span>
      <span role="gridcell" class="c-age number">
        <Ticking write={(now) => ageOf(row, now)} />
      </span>
      <span role="gridcell" class="c-progress">
        <ProgressBar progress={row.progress} />
      </span>
      <span
        role="gridcell"
        class="c-now cut"
        title={row.failure === null ? undefined : visibleText(row.failure.message)}
      >
        <Ticking write={(now) => visibleText(nowText(row, now))} class="cut" />
      </span>
    </div>
  );
}
