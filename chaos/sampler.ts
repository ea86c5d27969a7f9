import type { Part } from "./part.js";
import { childrenOf, treeOf, useOf } from "./proc.js";
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

interface Sample {
  readonly at: number;
  readonly mb: number;
  readonly descriptors: number;
}

/** A part's use in the first and the last third of a run. */
export interface Growth {
  readonly part: string;
  readonly samples: number;
  readonly firstMb: number;
  readonly lastMb: number;
  readonly peakMb: number;
  readonly firstDescriptors: number;
  readonly lastDescriptors: number;
  readonly isFlat: boolean;
}

/** Looks at what each part holds, again and again. */
export class Sampler {
  private readonly samples = new Map<string, Sample[]>();
  private readonly parts: () => Iterable<Part>;
  private timer: NodeJS.Timeout | undefined;

  constructor(parts: () => Iterable<Part>) {
    this.parts = parts;
  }

  start(): void {
    this.timer = setInterval(() => this.look(), EVERY_MS);
  }

  end(): readonly Growth[] {
    clearInterval(this.timer);
    return Array.from(this.samples, ([part, samples]) => growthOf(part, samples));
  }

  private look(): void {
    const at = realNow();
    const children = childrenOf();
    for (const { name, pid, life } of this.parts()) {
      if (pid === undefined || life === undefined || at - life.from < WARM_MS) continue;
      const samples = this.samples.get(name) ?? [];
      samples.push({ at, ...useOf(treeOf(pid, children)) });
      this.samples.set(name, samples);
    }
  }
}

function growthOf(part: string, all: readonly Sample[]): Growth {
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
    firstMb,
    lastMb,
    peakMb: Math.max(0, ...all.map(({ mb }) => mb)),
    firstDescriptors,
    lastDescriptors,
    isFlat:
      lastMb <= firstMb * GROWTH.mb.times + GROWTH.mb.more &&
      lastDescriptors <= firstDescriptors * GROWTH.descriptors.times + GROWTH.descriptors.more,
  };
}
