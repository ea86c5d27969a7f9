import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Payload, PayloadQuery, PayloadText } from "../../api/index.js";
import { address, get } from "../live/api.js";
import { useResource } from "../live/resource.js";
import { Failed, Loading } from "../parts/states.js";
import { CopyButton, Foreign } from "../parts/text.js";
import { bytes, count } from "../text/amounts.js";
import { ValueTree } from "./value-tree.js";

const PART = 65_536;

/** Where a payload is to be had from. */
export type PayloadPlace = Pick<PayloadQuery, "id" | "runId" | "slot" | "attempt">;

/** A payload in typed form; one that is large, or kept apart, is fetched when somebody asks for it. */
export function PayloadView({
  payload,
  place,
  none,
}: {
  payload: Payload;
  place: PayloadPlace;
  /** What it means that there is none. */
  none: string;
}): JSX.Element {
  switch (payload.state) {
    case "none":
      return <p class="muted">{none}</p>;
    case "undecodable":
      return (
        <div>
          <p class="problem">
            Cannot be decoded: <Foreign text={payload.problem ?? "nothing is known of why"} most={2000} />
          </p>
          <PayloadFacts payload={payload} />
        </div>
      );
    case "value":
      return <WholeValue payload={payload} text={payload.json ?? "null"} />;
    case "large":
    case "reference":
      return <FetchedValue payload={payload} place={place} />;
  }
}

function PayloadFacts({ payload }: { payload: Payload }): JSX.Element {
  const { codec, sizeBytes, sha256, referenceId } = payload;
  return (
    <p class="muted payload-facts">
      {codec !== null && (
        <span>
          codec <Foreign text={codec} most={60} />
        </span>
      )}
      {sizeBytes !== null && <span>{bytes(sizeBytes)}</span>}
      {sha256 !== null && <span class="mono wrap">sha256 {sha256}</span>}
      {referenceId !== null && (
        <span class="mono wrap">
          <Foreign text={referenceId} most={200} />
        </span>
      )}
    </p>
  );
}

function WholeValue({ payload, text }: { payload: Payload; text: string }): JSX.Element {
  const [isText, setText] = useState(false);
  const document = useMemo(() => parsed(text), [text]);
  return (
    <div class="value">
      <div class="value-tools">
        <button
          type="button"
          class="quiet"
          aria-pressed={isText}
          onClick={() => {
            setText(!isText);
          }}
        >
          JSON
        </button>
        <CopyButton text={text}>Copy as JSON</CopyButton>
        <span class="muted">{payload.sizeBytes === null ? "" : bytes(payload.sizeBytes)}</span>
      </div>
      {isText || document === undefined ? (
        // A scrolling region takes the focus, so that the keyboard scrolls it.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre class="part" tabIndex={0}>
          <Foreign text={text} />
        </pre>
      ) : (
        <div class="tree mono">
          <ValueTree document={document.value} />
        </div>
      )}
    </div>
  );
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** One part at a time: however large it is, the page holds 64 KiB of it. */
function FetchedValue({ payload, place }: { payload: Payload; place: PayloadPlace }): JSX.Element {
  const [offset, setOffset] = useState<number>();
  const { id, runId, slot, attempt } = place;
  const query = { id, runId, slot, attempt };
  const where = JSON.stringify(query);
  useEffect(() => {
    setOffset(undefined);
  }, [where]);
  const part = useResource(offset === undefined ? "" : `${where} ${offset}`, (signal) =>
    get<PayloadText>("payload", { ...query, offset: String(offset), length: String(PART) }, signal),
  );
  const { data, fault } = part;
  const parts = data === undefined ? 1 : Math.max(1, Math.ceil(data.totalCharacters / PART));
  return (
    <div class="value">
      <p>
        {payload.state === "reference" ? "Kept apart by the engine. " : "Too large to be shown at once. "}
        It is fetched when you ask for it.
      </p>
      <PayloadFacts payload={payload} />
      <div class="buttons">
        {offset === undefined && (
          <button
            type="button"
            onClick={() => {
              setOffset(0);
            }}
          >
            Fetch{payload.sizeBytes === null ? "" : ` ${bytes(payload.sizeBytes)}`} and show the beginning
          </button>
        )}
        <a class="button" href={address("payloadBytes", query)} download="">
          Download
        </a>
      </div>
      {offset !== undefined && (
        <>
          {fault !== undefined && <Failed fault={fault} again={part.refresh} />}
          {data === undefined && fault === undefined && <Loading what="the payload" />}
          {data !== undefined && (
            <>
              <p class="payload-facts">
                <span>
                  {data.isVerified
                    ? "✓ Size and SHA-256 are those of the reference."
                    : `${bytes(data.sizeBytes)}, kept within the activity.`}
                </span>
                <span class="mono wrap muted">sha256 {data.sha256}</span>
              </p>
              {parts === 1 ? (
                <WholeValue payload={payload} text={data.text} />
              ) : (
                <>
                  <div class="buttons">
                    <button
                      type="button"
                      aria-disabled={data.offset === 0}
                      onClick={() => {
                        setOffset(Math.max(0, data.offset - PART));
                      }}
                    >
                      Previous 64 KiB
                    </button>
                    <button
                      type="button"
                      aria-disabled={data.nextOffset === null}
                      onClick={() => {
                        if (data.nextOffset !== null) setOffset(data.nextOffset);
                      }}
                    >
                      Next 64 KiB
                    </button>
                    <span class="muted" role="status">
                      part {count(Math.floor(data.offset / PART) + 1)} of {count(parts)}
                    </span>
                  </div>
                  <pre class="part" tabIndex={0}>
                    <Foreign text={data.text} />
                  </pre>
                </>
              )}
            </>
          )}
        </>
      )}
    </div>
  );
}
