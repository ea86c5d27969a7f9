import type { EngineOptions, EngineUnderTest } from "./engine-under-test.js";
import { RealEngine } from "./real-engine.js";
import { ScriptedEngine } from "./scripted-engine.js";

/**
 * The engines that scenarios run against: one in memory, which can be told to answer anything, and the local engine, which
 * does what it does. Where a test needs the first, it is because no real engine of this repository
 *
 * - speaks another protocol version than its own;
 * - sends trace context, or a mapping of its own for a single task;
 * - knows timeouts of less than a second;
 * - gives out ids that a test can know beforehand.
 */
export const ENGINES: readonly {
  readonly name: string;
  readonly isReal: boolean;
  readonly make: (options?: EngineOptions) => EngineUnderTest;
}[] = [
  { name: "the scripted engine", isReal: false, make: (options) => new ScriptedEngine(options) },
  { name: "the local engine", isReal: true, make: (options) => new RealEngine(options) },
];
