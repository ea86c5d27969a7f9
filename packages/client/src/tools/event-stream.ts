import type { Transport, TransportRequest } from "../transport/transport.js";

/** More than any event: what has no line ends is no stream of events. */
const LONGEST_LINE = 65_536;

/** Who is told what of a stream of events. */
export interface EventStreamOptions {
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Called for each `data:` line with its text, and the name that its event has; empty for none. */
  readonly onEvent: (name: string, data: string) => void;
  /** Called once the stream is over, whoever ended it; not where there was none. */
  readonly onEnd?: (() => void) | undefined;
}

/** Reads a stream of server-sent events until the signal is aborted, or the stream ends. False where there is none. */
export async function eventStream(
  transport: Transport,
  { url, headers }: Pick<TransportRequest, "url" | "headers">,
  { signal, onEvent, onEnd }: EventStreamOptions,
): Promise<boolean> {
  const over = new AbortController();
  const stop = (): void => over.abort();
  if (signal.aborted) return false;
  signal.addEventListener("abort", stop);
  const end = (): void => {
    signal.removeEventListener("abort", stop);
    over.abort();
  };
  try {
    const answer = await transport.open?.({ method: "GET", url, headers, signal: over.signal });
    const isStream =
      answer?.status === 200 &&
      answer.header("content-encoding") === undefined &&
      answer.header("content-type")?.startsWith("text/event-stream") === true;
    if (!isStream) {
      end();
      return false;
    }
    let name = "";
    void readLines(answer.body, (line) => {
      if (line === "") name = "";
      else if (line.startsWith("event:")) name = line.slice("event:".length).trim();
      else if (line.startsWith("data:")) onEvent(name, line.slice("data:".length));
    })
      .catch(() => undefined)
      .finally(() => {
        end();
        onEnd?.();
      });
    return true;
  } catch {
    end();
    return false;
  }
}

async function readLines(body: AsyncIterable<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    // Leaving the loop ends the connection: the engine is then asked from time to time.
    if (rest.length > LONGEST_LINE) return;
    for (const line of lines) onLine(line);
  }
}
