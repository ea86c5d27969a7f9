import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { ActivityList, ActivityRow } from "../../api/index.js";
import { useKeys } from "../keys/keys.js";
import { Fault, get } from "../live/api.js";
import { serverClock } from "../live/server-clock.js";
import { stream } from "../live/stream.js";
import { FirstSteps } from "../overview/first-steps.js";
import { Empty, Failed, Loading } from "../parts/states.js";
import { go } from "../route/location.js";
import { count, counted } from "../text/amounts.js";
import {
  type Filter,
  filterProblem,
  isFiltered,
  listQuery,
  matches,
  NO_FILTER,
  readFilter,
  writeFilter,
} from "./filter.js";
import { FilterBar } from "./filter-bar.js";
import { ListModel, PAGE } from "./list-model.js";
import { ListRows } from "./rows.js";

const AGAIN_MS = 3000;
/** At most 200 come in an event, five times a second. */
const MOST_MEANWHILE = 5000;
/** Pages without a match that are gone over without asking: behind each the engine looked at many activities. */
const MOST_EMPTY_PAGES = 25;

function change(next: Filter, how: "choice" | "typing"): void {
  go(["l"], writeFilter(next), { replace: how === "typing" });
}

/** All activities, newest first, live. */
export function ListScreen({ query }: { query: Readonly<Record<string, string>> }): JSX.Element {
  const address = JSON.stringify(query);
  const filter = useMemo(() => readFilter(query), [address]);
  const problem = filterProblem(filter);
  return (
    <>
      <h1>Activities</h1>
      <FilterBar filter={filter} onChange={change} />
      {problem === undefined ? (
        <LiveList key={address} filter={filter} />
      ) : (
        <Empty>
          <p>{problem}</p>
          <button
            type="button"
            onClick={() => {
              change({ ...filter, since: "", until: "" }, "choice");
            }}
          >
            At any time
          </button>
        </Empty>
      )}
    </>
  );
}

/** The rows of one filter. */
function LiveList({ filter }: { filter: Filter }): JSX.Element {
  const [model, setModel] = useState(() => new ListModel());
  const [version, changed] = useReducer((old: number) => old + 1, 0);
  const [fault, setFault] = useState<Fault>();
  const [isPaused, setPaused] = useState(false);
  const [missed, setMissed] = useState(0);
  const [isSearching, setSearching] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const look = useRef({ from: 0, to: 60 });
  const busy = useRef<AbortController | undefined>(undefined);
  const emptyPages = useRef(0);
  /** After a failure nothing is asked for until somebody, or the time, says so. */
  const isBlocked = useRef(false);
  const query = useMemo(() => listQuery(filter, serverClock.now()), [filter]);
  const fits = useCallback((row: ActivityRow) => matches(filter, row, serverClock.now()), [filter]);

  /** One page at a time; each answer asks for the next, as long as rows that are looked at are missing. */
  const load = useCallback(async (): Promise<void> => {
    if (busy.current !== undefined || isBlocked.current) return;
    const wanted = model.wanted(look.current.from, look.current.to);
    if (wanted === undefined) return;
    const ended = new AbortController();
    busy.current = ended;
    let isTaken = false;
    try {
      const page = await get<ActivityList>(
        "activities",
        { ...query, cursor: wanted.cursor, limit: String(PAGE) },
        ended.signal,
      );
      model.take(wanted.page, wanted.cursor, page, look.current.from);
      emptyPages.current = page.rows.length === 0 ? emptyPages.current + 1 : 0;
      isTaken = true;
      setFault(undefined);
    } catch (error) {
      if (ended.signal.aborted) return;
      isBlocked.current = true;
      setFault(error instanceof Fault ? error : new Fault("page", 0, { message: String(error) }));
    } finally {
      if (busy.current === ended) busy.current = undefined;
    }
    if (ended.signal.aborted) return;
    const isLong = emptyPages.current >= MOST_EMPTY_PAGES;
    setSearching(isLong);
    changed(undefined);
    if (isTaken && !isLong) void load();
  }, [model, query]);

  useEffect(() => {
    void load();
    return () => {
      busy.current?.abort();
      busy.current = undefined;
    };
  }, [load]);

  const loadAgain = useCallback((): void => {
    isBlocked.current = false;
    void load();
  }, [load]);
  useEffect(() => {
    if (fault === undefined || (fault.status !== 0 && fault.status < 500)) return;
    const timer = setTimeout(loadAgain, (fault.retryAfterSeconds ?? 0) * 1000 || AGAIN_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [fault, loadAgain]);

  const onLook = useCallback(
    (from: number, to: number) => {
      look.current = { from, to };
      void load();
    },
    [load],
  );

  const isRefreshing = useRef(false);
  /** Rows that were told while the list was read anew: the answer may be older than they are. */
  const meanwhile = useRef<ActivityRow[]>([]);
  const refresh = useCallback(async (): Promise<void> => {
    if (isRefreshing.current) return;
    isRefreshing.current = true;
    meanwhile.current = [];
    // The rows that are shown stay until the new ones are here.
    busy.current?.abort();
    busy.current = undefined;
    emptyPages.current = 0;
    isBlocked.current = false;
    const next = new ListModel();
    try {
      const fresh = { ...query, ...listQuery(filter, serverClock.now()) };
      next.take(0, undefined, await get<ActivityList>("activities", { ...fresh, limit: String(PAGE) }), 0);
      next.apply(meanwhile.current, fits);
      setFault(undefined);
      setMissed(0);
      setModel(next);
    } catch (error) {
      setFault(error instanceof Fault ? error : new Fault("page", 0, { message: String(error) }));
    }
    isRefreshing.current = false;
    changed(undefined);
  }, [filter, query, fits]);

  useEffect(() => {
    return stream.listen({
      rows: (rows) => {
        if (isPaused) {
          setMissed((old) => Math.min(99_999, old + rows.length));
          return;
        }
        if (isRefreshing.current && meanwhile.current.length < MOST_MEANWHILE) meanwhile.current.push(...rows);
        if (!model.apply(rows, fits)) return;
        if (model.waitingCount > 0 && isAtRest(place.current)) {
          const fresh = rows.filter((row) => fits(row));
          if (fresh.length < model.waitingCount || !model.prepend(fresh)) {
            void refresh();
            return;
          }
        }
        changed(undefined);
      },
      reset: () => {
        if (!isPaused) void refresh();
      },
    });
  }, [model, fits, isPaused, refresh]);

  const take = (): void => {
    scrollTo({ top: 0 });
    void refresh();
  };
  const pause = (): void => {
    if (isPaused) void refresh();
    setPaused(!isPaused);
  };
  useKeys({ n: take, p: pause });

  const { length, isComplete, hasBegun, waitingCount } = model;
  return (
    <div class="live-list" ref={place}>
      <div class="list-tools">
        <span class="muted" role="status">
          {hasBegun
            ? isComplete
              ? counted(length, "activity", "activities")
              : `${count(length)} read, more below`
            : "\u00a0"}
        </span>
        {isPaused ? (
          <span class="tag trouble">paused{missed > 0 ? `, ${counted(missed, "change")} since` : ""}</span>
        ) : (
          waitingCount > 0 && (
            <button type="button" class="main" onClick={take}>
              ▲ {count(waitingCount)} new <kbd>n</kbd>
            </button>
          )
        )}
        <button type="button" aria-pressed={isPaused} onClick={pause}>
          {isPaused ? "Go on" : "Pause"} <kbd>p</kbd>
        </button>
      </div>
      {fault !== undefined && <Failed fault={fault} again={hasBegun ? () => void refresh() : loadAgain} />}
      {!hasBegun && fault === undefined && <Loading what="activities" />}
      {length > 0 && <ListRows model={model} version={version} onLook={onLook} isFit={fits} />}
      {hasBegun && length === 0 && (isComplete || isSearching) && (
        <Empty>
          {isFiltered(filter) ? (
            <>
              <p>{isComplete ? "No activity is like that." : "None of those looked at so far is like that."}</p>
              <button
                type="button"
                onClick={() => {
                  go(["l"], writeFilter(NO_FILTER));
                }}
              >
                Show all
              </button>
            </>
          ) : (
            <FirstSteps />
          )}
        </Empty>
      )}
      {isSearching && !isComplete && (
        <p class="list-more">
          <button
            type="button"
            onClick={() => {
              emptyPages.current = 0;
              setSearching(false);
              void load();
            }}
          >
            Look further back
          </button>
        </p>
      )}
    </div>
  );
}

/** Whether nobody is at a row: the list stands at its top, with neither focus nor pointer in it. Then new rows move nobody's. */
function isAtRest(element: HTMLElement | null): boolean {
  if (element === null || scrollY > 40) return false;
  const rows = element.querySelector(".grid-body");
  return rows === null || (!rows.matches(":hover") && !rows.contains(document.activeElement));
}
