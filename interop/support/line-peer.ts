import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { PATIENCE_MS } from "@durable-workflow/test-support/patience";
import type { PeerCommand } from "./peers.js";

/** A peer's document, looked into without much ado. */
// oxlint-disable-next-line typescript/no-explicit-any -- what a foreign process writes has no type here
export type Json = Readonly<Record<string, any>>;

/** A peer process that speaks JSON, one document a line. It ends when its input does. */
export class LinePeer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: ((line: Json) => boolean)[] = [];
  readonly #exit: Promise<number | null>;
  #errors = "";
  /** All that it has said, in order. */
  readonly lines: Json[] = [];

  constructor({ program, args, env }: PeerCommand) {
    this.#process = spawn(program, args, { env: { ...process.env, ...env } });
    this.#exit = once(this.#process, "close").then(([code]) => code as number | null);
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    // A peer that is gone takes nothing any more; that it is gone is told by its exit.
    this.#process.stdin.on("error", () => {});
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      this.#take(JSON.parse(line) as Json);
    });
  }

  /** All that it wrote to standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Resolves with its exit code once it has ended; null when it was killed. */
  get exit(): Promise<number | null> {
    return this.#exit;
  }

  send(document: unknown): void {
    this.#process.stdin.write(`${JSON.stringify(document)}\n`);
  }

  /** The first line, said already or to come, that the test is true of. */
  async line(matches: (line: Json) => boolean, what = "what was waited for", waitMs = PATIENCE_MS): Promise<Json> {
    const said = this.lines.find(matches);
    if (said !== undefined) return said;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer);
        reject(new Error(`the peer ${why} without ${what}: ${this.#errors.slice(-2000)}`));
      };
      const timer = setTimeout(fail, waitMs, "went on");
      this.#waiting.push((line) => {
        if (!matches(line)) return false;
        clearTimeout(timer);
        resolve(line);
        return true;
      });
      void this.#exit.then(() => fail("ended"));
    });
  }

  /** Closes its input, which asks it to stop, and waits for its end. */
  async stop(): Promise<number | null> {
    this.#process.stdin.end();
    return this.#exit;
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #take(line: Json): void {
    this.lines.push(line);
    const met = this.#waiting.filter((waiting) => waiting(line));
    for (const waiting of met) this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
  }
}

/** What a peer answered to a document: its line, or that it was the end of it. */
export type Answer = Json | "the process ended";

/**
 * Sends all documents to a peer that answers each with one line. One that ends its process is told as such, and a new
 * process goes on after it.
 */
export async function answersTo(command: PeerCommand, documents: readonly unknown[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < documents.length) {
    const before = answers.length;
    const peer = new LinePeer(command);
    for (const document of documents.slice(before)) peer.send(document);
    const code = await peer.stop();
    answers.push(...peer.lines);
    if (answers.length === documents.length) break;
    // Only a signal is a document's doing: a segmentation fault, or an abort where memory ended.
    if (code !== null || answers.length > documents.length) {
      throw new Error(
        `the peer ended with ${String(code)} after ${peer.lines.length} answers: ${peer.errors.slice(-2000)}`,
      );
    }
    answers.push("the process ended");
  }
  return answers;
}
