import type { Part } from "./part.js";
import { childrenOf, treeOf, type Use, useOf } from "./proc.js";
import { realNow } from "./real-time.js";

const EVERY_MS = 2_000;
/** A life is warm after this. */
const WARM_MS = 8_000;
/** So much of a run's beginning is left out. */
const WARM_SHARE = 0.15;
/**
 * What is flat: the last third over the first, with room for what a process holds at one moment by chance. Of descriptors that is a
 * connection for each task that three dispatchers of 200 may have in flight; one that leaks with each task is thousands.
 */
const GROWTH = { mb: { times: 1.5, more: 80 }, descriptors: { times: 1.5, more: 600 } } as const;

export interface Sample extends Use {
  readonly at: number;
}

/** A part's use in the first and the last third of a run. */
export interface Growth {
  readonly part: string;
  readonly samples: number;
  /** Of the processor, in all of its lives as far as they were seen. */
  readonly cpuMs: number;
  readonly firstMb: number;
  readonly lastMb: number;
  readonly peakMb: number;
  readonly firstDescriptors: number;
  readonly lastDescriptors: number;
  readonly isFlat: boolean;
}

/** Looks at what each part holds, again and again. */
export class Sampler {
  /** Of warm processes, by part. */
  readonly samples = new Map<string, Sample[]>();
  private readonly cpu = new Map<string, { pid: number; lastMs: number; sumMs: number }>();
  private readonly parts: () => Iterable<Part>;
  private timer: NodeJS.Timeout | undefined;

  constructor(parts: () => Iterable<Part>) {
    this.parts = parts;
  }

  start(): void {
    this.timer = setInterval(() => this.look(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** What has been seen so far. */
  growth(): readonly Growth[] {
    return Array.from(this.samples, ([part, samples]) => growthOf(part, samples, this.cpu.get(part)?.sumMs ?? 0));
  }

  private look(): void {
    const at = realNow();
    const children = childrenOf();
    for (const { name, pid, life } of this.parts()) {
      if (pid === undefined || life === undefined) continue;
      const use = useOf(treeOf(pid, children));
      this.countCpu(name, pid, use.cpuMs);
      if (at - life.from < WARM_MS) continue;
      const samples = this.samples.get(name) ?? [];
      samples.push({ at, ...use });
      this.samples.set(name, samples);
    }
  }

  private countCpu(name: string, pid: number, cpuMs: number): void {
    const before = this.cpu.get(name) ?? { pid, lastMs: 0, sumMs: 0 };
    const since = before.pid === pid ? Math.max(0, cpuMs - before.lastMs) : cpuMs;
    this.cpu.set(name, { pid, lastMs: cpuMs, sumMs: before.sumMs + since });
  }
}

function growthOf(part: string, all: readonly Sample[], cpuMs: number): Growth {
  const [begin, end] = [all[0]?.at ?? 0, all.at(-1)?.at ?? 0];
  const warm = all.filter(({ at }) => at >= begin + (end - begin) * WARM_SHARE);
  const third = Math.ceil(warm.length / 3);
  const [first, last] = [warm.slice(0, third), warm.slice(-third)];
  const middle = (samples: readonly Sample[], read: (sample: Sample) => number): number =>
    samples.map(read).toSorted((one, other) => one - other)[samples.length >> 1] ?? 0;
  const firstMb = middle(first, ({ mb }) => mb);
  const lastMb = middle(last, ({ mb }) => mb);
  const firstDescriptors = middle(first, ({ descriptors }) => descriptors);
  const lastDescriptors = middle(last, ({ descriptors }) => descriptors);
  return {
    part,
    samples: all.length,
    cpuMs,
    firstMb,
    lastMb,
    peakMb: all.reduce((most, { mb }) => Math.max(most, mb), 0),
    firstDescriptors,
    lastDescriptors,
    isFlat:
      lastMb <= firstMb * GROWTH.mb.times + GROWTH.mb.more &&
      lastDescriptors <= firstDescriptors * GROWTH.descriptors.times + GROWTH.descriptors.more,
  };
}
