import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CopyButton, Foreign } from "../parts/text.js";
import { bytes, counted } from "../text/amounts.js";
import { hexOfBase64, typedValue } from "./typed-value.js";

/** So many levels are open at first, so many items are drawn at once, and so much of a text. */
const OPEN_LEVELS = 3;
const ITEMS = 100;
const TEXT = 2000;
const HEX = 64;

/** A payload value as a tree, each value with its kind. What is not open is not drawn. */
export function ValueTree({ document, level = 0 }: { document: unknown; level?: number }): JSX.Element {
  const value = typedValue(document);
  switch (value.kind) {
    case "null":
      return <span class="v-null">null</span>;
    case "boolean":
      return <span class="v-boolean">{String(value.value)}</span>;
    case "text":
      return <LongText text={value.text} />;
    case "long":
      return <Typed digits={value.digits} kind="long" tell={!Number.isSafeInteger(Number(value.digits))} />;
    case "double":
      return <Typed digits={value.digits} kind="double" tell />;
    case "bytes":
      return (
        <span class="v-bytes">
          <span class="kind">bytes</span> {bytes(value.size)}
          {value.size > 0 && <code class="hex">{hexOfBase64(value.base64, HEX)}</code>}
          {value.size > HEX && <span class="muted">… </span>}
          {value.size > 0 && <CopyButton text={value.base64}>Copy base64</CopyButton>}
        </span>
      );
    case "list":
      return (
        <Branch
          summary={counted(value.items.length, "item")}
          isEmpty={value.items.length === 0}
          brackets="[]"
          level={level}
          entries={value.items.map((item, index) => [String(index), item] as const)}
        />
      );
    case "map":
      return (
        <Branch
          summary={counted(value.entries.length, "field")}
          isEmpty={value.entries.length === 0}
          brackets="{}"
          level={level}
          entries={value.entries}
        />
      );
  }
}

function Typed({ digits, kind, tell }: { digits: string; kind: string; tell: boolean }): JSX.Element {
  return (
    <span class="v-number" title={kind}>
      {digits}
      {tell && <span class="kind">{kind === "long" ? "64-bit integer" : kind}</span>}
    </span>
  );
}

function LongText({ text }: { text: string }): JSX.Element {
  const [shown, setShown] = useState(TEXT);
  return (
    <span class="v-text">
      "<Foreign text={text} most={shown} />"
      {text.length > shown && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            setShown(shown + 16_000);
          }}
        >
          Show more of {counted(text.length, "character")}
        </button>
      )}
    </span>
  );
}

function Branch({
  summary,
  isEmpty,
  brackets,
  level,
  entries,
}: {
  summary: string;
  isEmpty: boolean;
  brackets: "[]" | "{}";
  level: number;
  entries: readonly (readonly [string, unknown])[];
}): JSX.Element {
  const [isOpen, setOpen] = useState(level < OPEN_LEVELS && (level === 0 || entries.length <= ITEMS));
  const [most, setMost] = useState(ITEMS);
  if (isEmpty) return <span class="muted">{brackets}</span>;
  return (
    <details
      class="branch"
      open={isOpen}
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>
        <span class="muted">
          {brackets[0]} {summary} {brackets[1]}
        </span>
      </summary>
      {isOpen && (
        <ul>
          {entries.slice(0, most).map(([name, item], index) => (
            <li key={index}>
              <span class="v-name">
                <Foreign text={name} most={200} />
                <span class="muted">:</span>
              </span>
              <ValueTree document={item} level={level + 1} />
            </li>
          ))}
          {entries.length > most && (
            <li>
              <button
                type="button"
                class="quiet"
                onClick={() => {
                  setMost(most + 500);
                }}
              >
                Show {Math.min(500, entries.length - most)} more of {entries.length}
              </button>
            </li>
          )}
        </ul>
      )}
    </details>
  );
}
