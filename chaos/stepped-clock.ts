// Loaded before a program: its `Date` is ahead of the machine's by as many milliseconds as the file CHAOS_CLOCK says. What
// steps is the clock; the monotonic one and timers go on, as they do when a machine's time is set.
import { readFileSync } from "node:fs";

const LOOK_MS = 250;
const file = process.env["CHAOS_CLOCK"];
const Real = Date;
let aheadMs = 0;

function look(): void {
  try {
    aheadMs = Number(readFileSync(file ?? "", "utf8")) || 0;
  } catch {
    aheadMs = 0;
  }
}

if (file !== undefined) {
  look();
  setInterval(look, LOOK_MS).unref();
  const stepped = (): number => Real.now() + aheadMs;
  globalThis.Date = new Proxy(Real, {
    construct: (target, args: readonly unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [stepped()] : args, newTarget) as object,
    apply: () => new Real(stepped()).toString(),
    get: (target, name, receiver) => (name === "now" ? stepped : (Reflect.get(target, name, receiver) as unknown)),
  });
}
