import { type Dispatcher, request } from "undici";
import { bearer } from "./exchange.js";

const HEADERS_MS = 5_000;
/** More than any event: what has no line ends is no stream of events. */
const LONGEST_LINE = 65_536;

export interface EventStreamOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as a bearer token. */
  readonly token: string | undefined;
  readonly signal: AbortSignal;
  /** Called for each `data:` line with its text, and the name that its event has; empty for none. */
  readonly onEvent: (name: string, data: string) => void;
  /** Called once the stream is over, whoever ended it; not where there was none. */
  readonly onEnd?: (() => void) | undefined;
}

/**
 * Reads a stream of server-sent events until the signal is aborted, or the stream ends. False where there is none.
 */
export async function eventStream(
  url: URL,
  { headers, token, signal, onEvent, onEnd }: EventStreamOptions,
  dispatcher: Dispatcher,
): Promise<boolean> {
  try {
    const {
      statusCode,
      headers: answered,
      body,
    } = await request(url, {
      headers: { ...bearer(token), ...headers, accept: "text/event-stream", "accept-encoding": "identity" },
      signal,
      headersTimeout: HEADERS_MS,
      bodyTimeout: 0,
      dispatcher,
    });
    const isStream =
      statusCode === 200 &&
      answered["content-encoding"] === undefined &&
      String(answered["content-type"] ?? "").startsWith("text/event-stream");
    if (!isStream) {
      body.on("error", () => {}).destroy();
      return false;
    }
    let name = "";
    void readLines(body, (line) => {
      if (line === "") name = "";
      else if (line.startsWith("event:")) name = line.slice("event:".length).trim();
      else if (line.startsWith("data:")) onEvent(name, line.slice("data:".length));
    })
      .catch(() => {})
      .finally(() => onEnd?.());
    return true;
  } catch {
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
