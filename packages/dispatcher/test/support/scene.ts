import { afterEach } from "vitest";
import type { EngineUnderTest } from "./engine-under-test.js";
import type { ForeignCarrier } from "./foreign-carrier.js";
import type { Running } from "./running.js";

/** What a test has begun with. */
export interface Scene {
  readonly engine: EngineUnderTest;
  readonly carrier: ForeignCarrier;
  readonly running: Running;
}

/** Ends what each test of a file has begun with, the dispatcher first; what a test did to its engine's answers is over before. */
export function endAfterEach(scene: () => Scene): void {
  afterEach(async () => {
    const { engine, carrier, running } = scene();
    engine.interfere = () => undefined;
    await running.dispatcher.drain();
    await carrier.close();
    await engine.stop();
  });
}
