import { useState } from "preact/hooks";

/** What somebody has typed survives a reload, and the going back and forth between pages; a new tab begins anew. */
export function useDraft<Draft extends Readonly<Record<string, string>>>(
  name: string,
  initial: Draft,
): readonly [Draft, (more: Partial<Draft>) => void] {
  const key = `dw-inspector.draft.${name}`;
  const [draft, setDraft] = useState<Draft>(() => {
    try {
      const stored = sessionStorage.getItem(key);
      if (stored !== null) return { ...initial, ...(JSON.parse(stored) as Partial<Draft>) };
    } catch {
      // Nothing is kept here.
    }
    return initial;
  });
  const change = (more: Partial<Draft>): void => {
    const next = { ...draft, ...more };
    setDraft(next);
    try {
      sessionStorage.setItem(key, JSON.stringify(next));
    } catch {
      // As above.
    }
  };
  return [draft, change];
}
