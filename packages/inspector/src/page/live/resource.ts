import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Fault } from "./api.js";

/** What is known of something that is fetched. Old data stays while new data is asked for, and when that fails. */
export interface Resource<Data> {
  readonly data: Data | undefined;
  readonly fault: Fault | undefined;
  readonly isLoading: boolean;
  /** Asks again: at once, or after the answer that is awaited. Never is more than one request under way. */
  readonly refresh: () => void;
}

const LONGEST_PAUSE_MS = 15_000;

/**
 * Fetches something, and again when `key` changes; an empty key fetches nothing. What fails for want of an answer is asked for
 * again, less and less often.
 */
export function useResource<Data>(key: string, fetcher: (signal: AbortSignal) => Promise<Data>): Resource<Data> {
  const [state, setState] = useState<{ key: string; data?: Data; fault?: Fault; isLoading: boolean }>({
    key,
    isLoading: key !== "",
  });
  const latest = useRef(fetcher);
  latest.current = fetcher;
  const again = useRef<() => void>(() => {});

  useEffect(() => {
    if (key === "") return;
    const ended = new AbortController();
    let isBusy = false;
    let isWanted = false;
    let failures = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async (): Promise<void> => {
      if (isBusy) {
        isWanted = true;
        return;
      }
      isBusy = true;
      clearTimeout(timer);
      setState((old) => (old.key === key ? { ...old, isLoading: true } : { key, isLoading: true }));
      try {
        const data = await latest.current(ended.signal);
        failures = 0;
        if (!ended.signal.aborted) setState({ key, data, isLoading: false });
      } catch (error) {
        if (ended.signal.aborted) return;
        const fault = error instanceof Fault ? error : new Fault("page", 0, { message: String(error) });
        setState((old) => ({
          key,
          ...(old.key === key && old.data !== undefined && { data: old.data }),
          fault,
          isLoading: false,
        }));
        if (fault.status === 0 || fault.status >= 500) {
          const pause = fault.retryAfterSeconds === null ? 1000 * 2 ** failures : fault.retryAfterSeconds * 1000;
          failures = Math.min(failures + 1, 4);
          timer = setTimeout(() => void run(), Math.min(LONGEST_PAUSE_MS, pause));
        }
      } finally {
        isBusy = false;
        if (isWanted && !ended.signal.aborted) {
          isWanted = false;
          void run();
        }
      }
    };
    again.current = () => void run();
    void run();
    return () => {
      ended.abort();
      clearTimeout(timer);
      again.current = () => {};
    };
  }, [key]);

  const refresh = useCallback(() => {
    again.current();
  }, []);
  const isCurrent = state.key === key;
  return {
    data: isCurrent ? state.data : undefined,
    fault: isCurrent ? state.fault : undefined,
    isLoading: isCurrent ? state.isLoading : key !== "",
    refresh,
  };
}

/** Calls `action` at most once in so many milliseconds, and a last time after the last call. */
export function useThrottled(action: () => void, ms: number): () => void {
  const latest = useRef(action);
  latest.current = action;
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const lastRun = useRef(0);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
    },
    [],
  );
  return useCallback(() => {
    if (timer.current !== undefined) return;
    const wait = Math.max(0, lastRun.current + ms - performance.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      lastRun.current = performance.now();
      latest.current();
    }, wait);
  }, [ms]);
}
