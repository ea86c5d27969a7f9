import { request as httpRequest } from "node:http";
import { PATIENCE_MS } from "@durable-workflow/test-support/patience";
import type { StreamEventName, StreamEvents } from "../../src/index.js";
import { cleanUp } from "./inspected.js";

export interface Told<Name extends StreamEventName = StreamEventName> {
  readonly id: string | undefined;
  readonly event: Name;
  readonly data: StreamEvents[Name];
}

/** A reader of the stream of events, until the end of the test. */
export class StreamReader {
  readonly told: Told[] = [];
  status = 0;
  isOver = false;
  private readonly close: () => void;
  private readonly waiting = new Set<() => void>();
  private rest = "";

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    const request = httpRequest(url, { headers, agent: false }, (response) => {
      this.status = response.statusCode ?? 0;
      response.setEncoding("utf8").on("data", (text: string) => {
        this.read(text);
      });
      response.once("close", () => {
        this.isOver = true;
        this.wake();
      });
      response.once("error", () => {});
    });
    request.once("error", () => {
      this.isOver = true;
      this.wake();
    });
    request.end();
    this.close = () => request.destroy();
    cleanUp(this.close);
  }

  get lastId(): string | undefined {
    return this.told.findLast(({ id }) => id !== undefined)?.id;
  }

  leave(): void {
    this.close();
  }

  of<Name extends StreamEventName>(name: Name): readonly Told<Name>[] {
    return this.told.filter((one): one is Told<Name> => one.event === name);
  }

  /** Waits until that holds. */
  async until(holds: () => boolean, what = "it"): Promise<void> {
    const patience = setTimeout(() => {
      this.isOver = true;
      this.wake();
    }, PATIENCE_MS);
    try {
      while (!holds()) {
        if (this.isOver) throw new Error(`${what} was not told; ${JSON.stringify(this.told).slice(0, 2_000)}`);
        await new Promise<void>((resolve) => this.waiting.add(resolve));
      }
    } finally {
      clearTimeout(patience);
    }
  }

  private read(text: string): void {
    const parts = (this.rest + text).split("\n\n");
    this.rest = parts.pop() ?? "";
    for (const part of parts) {
      const fields = Object.fromEntries(
        part.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      );
      const { id, event, data } = fields as { id?: string; event?: StreamEventName; data?: string };
      if (event !== undefined && data !== undefined) this.told.push({ id, event, data: JSON.parse(data) } as Told);
    }
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}
