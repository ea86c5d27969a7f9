import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { STATUS_WORDS, type StatusWord, type TypeList } from "../../api/index.js";
import { get } from "../live/api.js";
import { capabilities } from "../live/engine.js";
import { useResource } from "../live/resource.js";
import { useSignal } from "../live/signal.js";
import { FAMILY, StatusIcon } from "../parts/status.js";
import { type Filter, isFiltered, NO_FILTER, SPANS } from "./filter.js";

const TYPING_MS = 300;

/** What is shown: each filter that this engine takes, and none that it does not. */
export function FilterBar({
  filter,
  onChange,
}: {
  filter: Filter;
  onChange: (filter: Filter, how: "choice" | "typing") => void;
}): JSX.Element {
  const features = useSignal(capabilities)?.features;
  const known = useResource("types", (signal) => get<TypeList>("types", {}, signal));
  const takes = (name: "status" | "type" | "queue" | "id" | "time"): boolean =>
    features === undefined || features.listFilters.includes(name);
  const words = STATUS_WORDS.filter((word) => features === undefined || features.statusFilters.includes(word));
  const toggle = (word: StatusWord): void => {
    const has = filter.status.includes(word);
    const status = STATUS_WORDS.filter((one) => (one === word ? !has : filter.status.includes(one)));
    onChange({ ...filter, status }, "choice");
  };
  const types = [...new Set(known.data?.types.map(({ type }) => type))];
  const queues = [...new Set(known.data?.types.map(({ queue }) => queue))];
  return (
    <search class="filters" aria-label="Filter activities">
      {takes("status") && (
        <div class="chips" role="group" aria-label="Status">
          {words.map((word) => (
            <button
              key={word}
              type="button"
              class={`chip ${FAMILY[word]}`}
              aria-pressed={filter.status.includes(word)}
              onClick={() => {
                toggle(word);
              }}
            >
              <StatusIcon word={word} /> {word}
            </button>
          ))}
        </div>
      )}
      <div class="fields">
        {takes("type") && (
          <TextFilter
            label="Type"
            value={filter.type}
            options={types}
            onChange={(type) => {
              onChange({ ...filter, type }, "typing");
            }}
          />
        )}
        {takes("queue") && (
          <TextFilter
            label="Queue"
            value={filter.queue}
            options={queues}
            onChange={(queue) => {
              onChange({ ...filter, queue }, "typing");
            }}
          />
        )}
        {takes("id") && (
          <TextFilter
            label="Id has"
            value={filter.id}
            onChange={(id) => {
              onChange({ ...filter, id }, "typing");
            }}
          />
        )}
        {takes("time") && <TimeFilter filter={filter} onChange={onChange} />}
        {isFiltered(filter) && (
          <button
            type="button"
            onClick={() => {
              onChange(NO_FILTER, "choice");
            }}
          >
            Clear
          </button>
        )}
      </div>
    </search>
  );
}

function TextFilter({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options?: readonly string[];
  onChange: (value: string) => void;
}): JSX.Element {
  const [typed, setTyped] = useState(value);
  useEffect(() => {
    setTyped(value);
  }, [value]);
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => {
      onChange(typed);
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed]);
  const list = `of-${label.replaceAll(" ", "-")}`;
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="text"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={typed}
        list={options === undefined || options.length === 0 ? undefined : list}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
        }}
      />
      {options !== undefined && options.length > 0 && (
        <datalist id={list}>
          {options.slice(0, 200).map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
    </label>
  );
}

function TimeFilter({
  filter,
  onChange,
}: {
  filter: Filter;
  onChange: (filter: Filter, how: "choice" | "typing") => void;
}): JSX.Element {
  const isSpan = filter.until === "" && (filter.since === "" || SPANS.some(([span]) => span === filter.since));
  const [isBetween, setBetween] = useState(!isSpan);
  return (
    <>
      <label class="field">
        <span>Started</span>
        <select
          value={isBetween ? "between" : filter.since}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            setBetween(chosen === "between");
            if (chosen !== "between") onChange({ ...filter, since: chosen, until: "" }, "choice");
          }}
        >
          <option value="">at any time</option>
          {SPANS.map(([span, name]) => (
            <option key={span} value={span}>
              {name}
            </option>
          ))}
          <option value="between">between …</option>
        </select>
      </label>
      {isBetween &&
        (["since", "until"] as const).map((name) => (
          <label key={name} class="field">
            <span>{name === "since" ? "From" : "To"}</span>
            <input
              type="datetime-local"
              step={1}
              value={/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?$/.test(filter[name]) ? filter[name] : ""}
              onChange={(event) => {
                onChange({ ...filter, [name]: event.currentTarget.value }, "choice");
              }}
            />
          </label>
        ))}
    </>
  );
}
