import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ActivityDetail } from "../../api/index.js";
import { zone } from "../live/preferences.js";
import { serverClock } from "../live/server-clock.js";
import { useSignal } from "../live/signal.js";
import { onTick } from "../live/tick.js";
import { duration } from "../text/amounts.js";
import { clock, exactly, fineClock } from "../text/instants.js";
import { visibleText } from "../text/visible.js";
import { type Bar, type Lane, roomyMarks, Scale, timeline } from "./timeline.js";

/** Room for `12:04:31`, and for `12:04:31.250`, on the axis. */
const LABEL_PX = 74;
const FINE_LABEL_PX = 98;
/** What is shorter has milliseconds on its axis. */
const FINE_MS = 10_000;
/** A bar that is shorter has no room for the name of who held the lease. */
const NAME_PX = 60;
/** More beats than that are a band. */
const BEATS = 120;

/** The attempts to scale: waits, runs with who held the lease, signs of life, pauses. The same stands in the table below. */
export function TimelineView({
  detail,
  isFolded,
  onFold,
}: {
  detail: ActivityDetail;
  isFolded: boolean;
  onFold: () => void;
}): JSX.Element {
  const [now, setNow] = useState(() => serverClock.now());
  const isOpen = detail.row.closedAt === null;
  useEffect(() => {
    setNow(serverClock.now());
    if (!isOpen) return;
    return onTick(() => {
      setNow(serverClock.now());
    });
  }, [detail, isOpen]);
  const shownZone = useSignal(zone);
  const track = useRef<HTMLDivElement>(null);
  const width = useWidth(track);
  const laid = useMemo(() => timeline(detail, now), [detail, now]);
  const folds = isFolded ? laid.folds : [];
  const scale = new Scale(laid, folds);
  const isFine = laid.to - laid.from < FINE_MS;
  const marks = roomyMarks(laid.marks, scale, (isFine ? FINE_LABEL_PX : LABEL_PX) / Math.max(1, width));
  return (
    <figure class="timeline" aria-label="Timeline of attempts; the table below says the same">
      <div class="lane axis" aria-hidden="true">
        <span />
        <div class="track" ref={track}>
          {marks.map((mark) => (
            <span key={mark} class="axis-label" style={edgeStyle(scale.at(mark))} title={exactly(mark, shownZone)}>
              {(isFine ? fineClock : clock)(mark, shownZone)}
            </span>
          ))}
        </div>
      </div>
      <div class="lanes" aria-hidden="true">
        {laid.lanes.map((lane) => (
          <LaneView key={lane.number} lane={lane} scale={scale} width={width} shownZone={shownZone} />
        ))}
        <div class="overlay">
          {folds.map((fold) => (
            <span
              key={fold.from}
              class="fold"
              style={{ left: percent(scale.at(fold.from)), width: percent(scale.at(fold.to) - scale.at(fold.from)) }}
            >
              <span>// {duration(fold.to - fold.from)} //</span>
            </span>
          ))}
          {isOpen && <span class="now" style={{ left: percent(scale.at(now)) }} title="now" />}
        </div>
      </div>
      <figcaption>
        <span class="legend" aria-hidden="true">
          <span class="bar wait" /> waits for a worker <span class="bar run active" /> runs <span class="bar backoff" />{" "}
          backs off <span class="beat" /> heartbeat
        </span>
        {laid.folds.length > 0 && (
          <button type="button" class="quiet" aria-pressed={isFolded} onClick={onFold}>
            Pauses are folded <kbd>z</kbd>
          </button>
        )}
      </figcaption>
    </figure>
  );
}

function useWidth(place: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(entry.contentRect.width);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  return width;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}

/** A label stands in the middle under its instant, but at the edges within them. */
function edgeStyle(share: number): Record<string, string> {
  if (share < 0.04) return { left: "0" };
  if (share > 0.96) return { right: "0" };
  return { left: percent(share), transform: "translateX(-50%)" };
}

const TELLS: Readonly<Record<Bar["kind"], string>> = {
  wait: "waits for a worker",
  run: "held by",
  backoff: "backs off",
  ahead: "backs off until then",
};

function LaneView({
  lane,
  scale,
  width,
  shownZone,
}: {
  lane: Lane;
  scale: Scale;
  width: number;
  shownZone: "local" | "utc";
}): JSX.Element {
  const { attempt, bars, beats, number } = lane;
  const run = bars.find(({ kind }) => kind === "run");
  const status = attempt === undefined ? "" : STATUS_CLASS[attempt.status];
  const title = (bar: Bar): string => {
    const who = bar.kind === "run" && attempt?.worker != null ? ` ${visibleText(attempt.worker)}` : "";
    return `${TELLS[bar.kind]}${who} · ${duration(bar.to - bar.from)} · ${exactly(bar.from, shownZone)} to ${exactly(bar.to, shownZone)}`;
  };
  return (
    <div class="lane">
      <span class="lane-name">
        {number === 0 ? "next" : `try ${number}`}
        {run !== undefined && <span class="muted"> {duration(run.to - run.from)}</span>}
      </span>
      <div class="track">
        {bars.map((bar) => (
          <span
            key={`${bar.kind}${bar.from}`}
            class={`bar ${bar.kind} ${bar.kind === "run" ? status : ""}`}
            title={title(bar)}
            style={{ left: percent(scale.at(bar.from)), width: percent(scale.at(bar.to) - scale.at(bar.from)) }}
          >
            {bar.kind === "run" &&
              attempt?.worker != null &&
              (scale.at(bar.to) - scale.at(bar.from)) * width > NAME_PX && <bdi>{visibleText(attempt.worker)}</bdi>}
          </span>
        ))}
        {beats.length > BEATS ? (
          <span
            class="beats"
            title={`${beats.length} heartbeats`}
            style={{
              left: percent(scale.at(beats[0] ?? 0)),
              width: percent(scale.at(beats.at(-1) ?? 0) - scale.at(beats[0] ?? 0)),
            }}
          />
        ) : (
          beats.map((beat, index) => (
            <span
              key={index}
              class="beat"
              title={`heartbeat · ${exactly(beat, shownZone)}`}
              style={{ left: percent(scale.at(beat)) }}
            />
          ))
        )}
      </div>
    </div>
  );
}

const STATUS_CLASS: Readonly<Record<NonNullable<Lane["attempt"]>["status"], string>> = {
  running: "active",
  succeeded: "good",
  failed: "bad",
  timed_out: "bad",
  expired: "trouble",
  cancelled: "idle",
  waited_out: "idle",
};
