import { STATUS_WORDS, type StatusCounts, type StatusWord } from "../api/index.js";

type Counter = Record<StatusWord, number>;

export function noCounts(): Counter {
  return Object.fromEntries(STATUS_WORDS.map((word) => [word, 0])) as Counter;
}

export function sumOf(counts: StatusCounts): number {
  return STATUS_WORDS.reduce((sum, word) => sum + counts[word], 0);
}

/** Adds up by a name: those with most activities first. */
export class CountsBy {
  private readonly counters = new Map<string, Counter>();

  add(name: string, word: StatusWord, count: number): void {
    const counter = this.counters.get(name) ?? noCounts();
    counter[word] += count;
    this.counters.set(name, counter);
  }

  most(limit: number): readonly (readonly [name: string, counts: StatusCounts])[] {
    return [...this.counters]
      .toSorted(([name, one], [otherName, other]) => sumOf(other) - sumOf(one) || (name < otherName ? -1 : 1))
      .slice(0, limit);
  }
}
