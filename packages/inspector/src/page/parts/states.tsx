import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Fault } from "../live/api.js";
import { Foreign } from "./text.js";

/** Nothing for the first moment: what comes at once should not flicker. */
export function Loading({ what }: { what: string }): JSX.Element {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      setShown(true);
    }, 150);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  return (
    <p class="state" role="status">
      {isShown ? `Loading ${what} …` : "\u00a0"}
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <div class="state">{children}</div>;
}

/** What went wrong in one part of the page, and how to ask again. */
export function Failed({ fault, again }: { fault: Fault; again?: (() => void) | undefined }): JSX.Element {
  return (
    <div class="state failed" role="alert">
      <p>
        <strong>
          <Foreign text={fault.message} most={2000} />
        </strong>
      </p>
      {fault.hint !== null && (
        <p>
          <Foreign text={fault.hint} most={2000} />
        </p>
      )}
      <p class="muted">
        {fault.route}
        {fault.status === 0 ? "" : `, answered ${fault.status}`}
      </p>
      {again !== undefined && (
        <button type="button" onClick={again}>
          Ask again
        </button>
      )}
    </div>
  );
}
