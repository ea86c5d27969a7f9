import type { DoneFault } from "./injector.js";
import type { Repeated } from "./runs.js";
import type { CarrierName } from "./workload.js";

/** What a fault did may show so much later. */
const AFTER_MS = 3_000;

/** Which fault may have had an attempt run again, the nearest part of the way first; undefined for none. */
export function explain({ at }: Repeated, carrier: CarrierName, faults: readonly DoneFault[]): string | undefined {
  const [first, last] = [Math.min(...at), Math.max(...at)];
  const during = faults.filter(({ from, to }) => from <= last && to + AFTER_MS >= first);
  const ways: ((fault: DoneFault) => boolean)[] = [
    ({ kind, target }) => (kind === "harm" || kind === "sever") && target.endsWith(`>carrier-${carrier}`),
    ({ kind, target }) => (kind === "kill" || kind === "freeze") && target === `carrier-${carrier}`,
    ({ kind, target }) => (kind === "kill" || kind === "freeze") && target.startsWith("dispatcher-"),
    ({ kind, target }) => kind !== "clock" && (target === "engine" || target.endsWith(">engine") || target === "disk"),
  ];
  for (const isOnTheWay of ways) {
    const found = during.find(isOnTheWay);
    if (found !== undefined) return `${found.kind} ${wordOf(found.target)}`;
  }
  return undefined;
}

/** Targets without the number of a dispatcher and the letter of a carrier: kinds of targets. */
export function wordOf(target: string): string {
  return target.replaceAll(/dispatcher-\d/g, "dispatcher").replaceAll(/carrier-[a-z]/g, "carrier");
}
