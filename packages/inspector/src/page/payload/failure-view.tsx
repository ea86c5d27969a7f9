import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Failure } from "../../api/index.js";
import { CopyButton, Foreign } from "../parts/text.js";
import { type PayloadPlace, PayloadView } from "./payload-view.js";

/** Frames of libraries and of the platform: folded, as they are seldom the reason. */
const LIBRARY = /node_modules|node:internal|\(node:|<anonymous>/;

/** A failure: what it is, whether another try may follow and why, its stack with the causes, its details. */
export function FailureView({ failure, place }: { failure: Failure; place: PayloadPlace }): JSX.Element {
  const { type, message, retryable, why, stackTrace, code, details, isCut } = failure;
  return (
    <div class="failure">
      <p class="failure-head">
        {type !== null && (
          <strong class="wrap">
            <Foreign text={type} most={300} />
          </strong>
        )}
        {code !== null && (
          <span class="muted">
            code <Foreign text={code} most={100} />
          </span>
        )}
        <span class={`tag ${retryable ? "trouble" : "bad"}`}>{retryable ? "retryable" : "not retryable"}</span>
      </p>
      <p class="wrap message">
        <Foreign text={message} />
      </p>
      <p class="muted">
        <Foreign text={why} />
      </p>
      {stackTrace !== null && <Stack text={stackTrace} />}
      {isCut && <p class="muted">A text of it was too long to be shown whole.</p>}
      {details !== null && details.state !== "none" && (
        <div class="details-of-failure">
          <h4>Details</h4>
          <PayloadView payload={details} place={place} none="" />
        </div>
      )}
    </div>
  );
}

function Stack({ text }: { text: string }): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  const lines = text.split("\n");
  const own = lines.filter((line) => !/^\s*at /.test(line) || !LIBRARY.test(line));
  const folded = lines.length - own.length;
  return (
    <div>
      <pre class="stack" tabIndex={0} aria-label="Stack trace">
        <Foreign text={(isWhole ? lines : own).join("\n")} />
      </pre>
      <div class="value-tools">
        {folded > 0 && (
          <button
            type="button"
            class="quiet"
            aria-pressed={isWhole}
            onClick={() => {
              setWhole(!isWhole);
            }}
          >
            {isWhole ? "Fold" : "Show"} {folded} library {folded === 1 ? "frame" : "frames"}
          </button>
        )}
        <CopyButton text={text}>Copy stack</CopyButton>
      </div>
    </div>
  );
}
