import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ActivityDetail, Capabilities } from "../api/index.js";
import { ActivityScreen } from "./activity/activity-screen.js";
import { HelpDialog } from "./keys/help-dialog.js";
import { useKeys } from "./keys/keys.js";
import { ListScreen } from "./list/list-screen.js";
import { Fault, get } from "./live/api.js";
import { capabilities } from "./live/engine.js";
import { type Theme, theme, zone } from "./live/preferences.js";
import { useResource } from "./live/resource.js";
import { serverClock } from "./live/server-clock.js";
import { useSignal } from "./live/signal.js";
import { type Freshness, stream } from "./live/stream.js";
import { OverviewScreen } from "./overview/overview-screen.js";
import { Empty } from "./parts/states.js";
import { Foreign, ForeignLine, Ticking } from "./parts/text.js";
import { QueueScreen, QueuesScreen } from "./queues/queues-screen.js";
import { go, place } from "./route/location.js";
import type { Route } from "./route/route.js";
import { StartScreen } from "./start/start-screen.js";
import { counted, ticking } from "./text/amounts.js";
import { clock, moment, offset } from "./text/instants.js";
import { visibleText } from "./text/visible.js";

const PAGES = [
  ["", "Overview"],
  ["l", "Activities"],
  ["q", "Queues"],
  ["start", "Start"],
] as const;

/** The whole page. */
export function App(): JSX.Element {
  const route = useSignal(place);
  const [isHelp, setHelp] = useState(false);
  const find = useRef<HTMLInputElement>(null);
  const main = useRef<HTMLElement>(null);
  const known = useResource("capabilities", (signal) => get<Capabilities>("capabilities", {}, signal));
  const { refresh } = known;
  useEffect(() => {
    if (known.data !== undefined) capabilities.value = known.data;
  }, [known.data]);
  useEffect(() => stream.listen({ reset: refresh }), [refresh]);
  useKeys({
    "/": () => {
      find.current?.select();
    },
    "?": () => {
      setHelp(true);
    },
    t: () => {
      zone.value = zone.value === "utc" ? "local" : "utc";
    },
    "g o": () => {
      go([]);
    },
    "g l": () => {
      go(["l"]);
    },
    "g q": () => {
      go(["q"]);
    },
    "g s": () => {
      go(["start"]);
    },
  });
  const screen = route.path.slice(0, 2).join("/");
  useEffect(() => {
    document.title = titleOf(route, known.data);
  }, [route, known.data]);
  useEffect(() => {
    scrollTo({ top: 0 });
  }, [screen]);
  const [page = ""] = route.path;
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="top">
        <Brand known={known.data} />
        <nav aria-label="Pages">
          <ul>
            {PAGES.map(([name, title]) => (
              <li key={name}>
                <a
                  href={`#/${name}`}
                  aria-current={page === name || (name === "l" && page === "a") ? "page" : undefined}
                >
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <Find place={find} />
        <FreshnessPill />
      </header>
      <Banners known={known.data} fault={known.fault} />
      <main id="main" ref={main} tabIndex={-1}>
        <Screen key={screen} route={route} />
      </main>
      <Foot
        known={known.data}
        onHelp={() => {
          setHelp(true);
        }}
      />
      <Announcer />
      {isHelp && (
        <HelpDialog
          onClose={() => {
            setHelp(false);
          }}
        />
      )}
    </>
  );
}

function titleOf({ path }: Route, known: Capabilities | undefined): string {
  const [page = "", name] = path;
  const title =
    name === undefined ? (PAGES.find(([one]) => one === page)?.[1] ?? "Inspector") : visibleText(name.slice(0, 80));
  const where =
    known === undefined ? "" : ` · ${known.kind === "local" ? "local engine" : new URL(known.engineUrl).host}`;
  return `${title}${where}`;
}

function Screen({ route: { path, query } }: { route: Route }): JSX.Element {
  const [page, name] = path;
  if (page === undefined) return <OverviewScreen />;
  if (page === "l") return <ListScreen query={query} />;
  if (page === "q") return name === undefined ? <QueuesScreen /> : <QueueScreen name={name} />;
  if (page === "start") return <StartScreen query={query} />;
  if (page === "a" && name !== undefined) return <ActivityScreen key={query["run"] ?? ""} id={name} query={query} />;
  return (
    <Empty>
      <h1>Nothing is here</h1>
      <p>
        This address leads to no view: <Foreign text={path.join("/")} most={200} />. <a href="#/">Overview</a>
      </p>
    </Empty>
  );
}

function Brand({ known }: { known: Capabilities | undefined }): JSX.Element {
  return (
    <div class="brand">
      <a href="#/" class="home" aria-label="Overview">
        <svg width="20" height="20" viewBox="0 0 16 16" aria-hidden="true">
          <rect width="16" height="16" rx="3" fill="#0850f3" />
          <path d="M4 4.5h5M4 8h8M4 11.5h3" stroke="#fff" stroke-width="1.8" stroke-linecap="round" />
        </svg>
      </a>
      {known !== undefined && (
        <>
          <span class={`place ${known.kind}`}>{known.kind === "local" ? "local engine" : "SERVER"}</span>
          <ForeignLine
            text={known.kind === "local" ? known.namespace : `${new URL(known.engineUrl).host} · ${known.namespace}`}
          />
        </>
      )}
    </div>
  );
}

function Find({ place: input }: { place: { current: HTMLInputElement | null } }): JSX.Element {
  const find = async (text: string): Promise<void> => {
    const id = text.trim();
    if (id === "") return;
    let isThere = false;
    try {
      await get<ActivityDetail>("activity", { id });
      isThere = true;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
    if (isThere) go(["a", id]);
    else go(["l"], { id });
    if (input.current !== null) {
      input.current.value = "";
      input.current.blur();
    }
  };
  return (
    <form
      class="find"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        void find(input.current?.value ?? "");
      }}
    >
      <input
        ref={input}
        type="text"
        aria-label="Find an activity by its id, or a part of it"
        placeholder="Find by id"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

const PILL: Readonly<Record<Freshness["state"], readonly [string, string]>> = {
  connecting: ["connecting", "waiting"],
  live: ["live", ""],
  lost: ["offline", "lost"],
  engine_lost: ["engine lost", "lost"],
};

function FreshnessPill(): JSX.Element {
  const { state, since } = useSignal(stream.freshness);
  const shownZone = useSignal(zone);
  const [word, kind] = PILL[state];
  return (
    <div class="fresh">
      <span class={`pill ${kind}`}>
        <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
          {kind === "lost" ? (
            <path d="m2 2 6 6m0-6-6 6" stroke="currentColor" stroke-width="2" />
          ) : (
            <circle cx="5" cy="5" r="4" fill="currentColor" />
          )}
        </svg>
        {word}
        {kind === "lost" && ` since ${clock(since, shownZone)}`}
      </span>
      {kind !== "lost" && <Ticking write={(now) => clock(now, shownZone)} class="muted" />}
      <button
        type="button"
        class="quiet"
        title="Times in UTC, or in your zone"
        onClick={() => {
          zone.value = shownZone === "utc" ? "local" : "utc";
        }}
      >
        <span class="visually-hidden">Times are in </span>
        {offset(serverClock.now(), shownZone)}
      </button>
    </div>
  );
}

/** What somebody should know wherever they are. */
function Banners({ known, fault }: { known: Capabilities | undefined; fault: Fault | undefined }): JSX.Element {
  const { state, since, message } = useSignal(stream.freshness);
  const shownZone = useSignal(zone);
  return (
    <>
      {(state === "lost" || state === "engine_lost") && (
        <div class="banner alarm" role="region" aria-label="Connection">
          <Foreign text={message ?? "The engine does not answer."} most={400} /> What you see is as of{" "}
          {moment(since, shownZone, serverClock.now())}, <Ticking write={(now) => ticking(now - since)} /> ago. The page
          goes on by itself.
        </div>
      )}
      {fault !== undefined && known === undefined && state !== "lost" && (
        <div class="banner alarm" role="region" aria-label="Problem">
          <Foreign text={fault.message} most={400} />
        </div>
      )}
      {known?.isReadOnly === true && (
        <div class="banner" role="region" aria-label="Notice">
          Nothing can be changed here: this page was started with --read-only.
        </div>
      )}
    </>
  );
}

const THEMES: readonly Theme[] = ["system", "light", "dark"];

function Foot({ known, onHelp }: { known: Capabilities | undefined; onHelp: () => void }): JSX.Element {
  const shownTheme = useSignal(theme);
  return (
    <footer class="foot">
      {known !== undefined && (
        <>
          <ForeignLine text={known.engineUrl} class="mono" />
          <span>
            engine{" "}
            {known.engineVersion === null ? "of unknown version" : <Foreign text={known.engineVersion} most={60} />}
            {known.protocolVersion !== null && (
              <>
                , protocol <Foreign text={known.protocolVersion} most={20} />
              </>
            )}
          </span>
        </>
      )}
      <button type="button" class="quiet" onClick={onHelp}>
        Keys <kbd>?</kbd>
      </button>
      <button
        type="button"
        class="quiet"
        onClick={() => {
          theme.value = THEMES[(THEMES.indexOf(shownTheme) + 1) % THEMES.length] ?? "system";
        }}
      >
        Colours: {shownTheme}
      </button>
      {known !== undefined && known.notes.length > 0 && (
        <details>
          <summary>{counted(known.notes.length, "thing")} that this engine does not tell or do</summary>
          <ul>
            {known.notes.map(({ feature, text }) => (
              <li key={feature}>
                <Foreign text={text} most={300} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </footer>
  );
}

/** Tells those who hear the page when it is cut off, and when it is back. */
function Announcer(): JSX.Element {
  const { state } = useSignal(stream.freshness);
  const wasLost = useRef(false);
  const [text, setText] = useState("");
  useEffect(() => {
    const isLost = state === "lost" || state === "engine_lost";
    if (isLost) setText(state === "lost" ? "The page is cut off." : "The engine does not answer.");
    else if (wasLost.current && state === "live") setText("The page is live again.");
    if (state !== "connecting") wasLost.current = isLost;
  }, [state]);
  return (
    <p class="visually-hidden" role="status" aria-live="polite">
      {text}
    </p>
  );
}
