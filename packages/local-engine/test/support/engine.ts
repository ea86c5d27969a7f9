import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientOptions } from "@durable-workflow/test-support/engine-client";
import { afterEach } from "vitest";
import { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "../../src/index.js";
import { FakeClock } from "./fake-clock.js";

export interface Opened {
  readonly engine: LocalEngine;
  readonly url: string;
  readonly client: Client;
  readonly clock: FakeClock;
}

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** An engine that listens, at a time that stands still, until the end of the test. */
export async function openEngine(
  options: Partial<LocalEngineOptions> = {},
  clientOptions: ClientOptions = {},
): Promise<Opened> {
  const clock = (options.clock as FakeClock | undefined) ?? new FakeClock();
  const engine = createLocalEngine({ file: ":memory:", ...options, clock });
  cleanups.push(() => engine.close());
  const { url } = await engine.listen();
  return { engine, url, client: new Client(url, clientOptions), clock };
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "local-engine-"));
  cleanups.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/**
 * Waits until requests that were sent have arrived. In small steps: client and server share a thread, and each step lets
 * both do what they can, however slow the machine is.
 */
export async function arrived(): Promise<void> {
  for (let step = 0; step < 8; step++) await sleep(8);
}

/** Runs after the test, last registered first. */
export function cleanUp(action: () => unknown): void {
  cleanups.push(action);
}
