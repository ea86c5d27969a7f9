import {
  type EngineCall,
  type EngineStream,
  type EngineTransport,
  EngineUnreachable,
} from "@durable-workflow/inspector";

const HEADERS = {
  "x-durable-workflow-control-plane-version": "2",
  "x-namespace": "default",
  "content-type": "application/json",
};

/** Reaches an engine without tokens, as the command does one with them. */
export function engineTransport(url: () => string): EngineTransport {
  return {
    async request({ method, path, body, headers }: EngineCall) {
      try {
        const init = { method, headers: { ...HEADERS, ...headers }, ...(body !== undefined && { body }) };
        const response = await fetch(url() + path, init);
        return { status: response.status, body: await response.text(), headers: Object.fromEntries(response.headers) };
      } catch (error) {
        throw new EngineUnreachable(error instanceof Error ? error.message : "it does not answer");
      }
    },
    async events({ path, signal, onData, onEnd }: EngineStream) {
      const response = await fetch(url() + path, { headers: HEADERS, signal }).catch(() => undefined);
      if (response?.ok !== true || response.body === null) return false;
      void read(response.body, onData)
        .catch(() => {})
        .then(() => {
          if (!signal.aborted) onEnd();
        });
      return true;
    },
  };
}

async function read(body: ReadableStream<Uint8Array>, onData: (text: string) => void): Promise<void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: ")) onData(line.slice("data: ".length));
  }
}
