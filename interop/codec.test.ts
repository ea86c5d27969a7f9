import { decodeAvroValue, encodeAvroValue } from "@durable-workflow/carrier/payload";
import { beforeAll, expect, it } from "vitest";
import { CODEC_DIFFERENCES, type CodecDifference, type CodecPeer } from "./codec-differences.js";
import { MUTATED, mutatedFrames, randomValues, VALUES } from "./support/codec-corpus.js";
import { type Difference, difference, notationOf, ourVerdict, peerVerdict } from "./support/codec-verdict.js";
import { type Answer, answersTo } from "./support/line-peer.js";
import { describeUnless, type PeerCommand, pythonPeer, rustPeer, whyNoPython, whyNoRust } from "./support/peers.js";

const PEERS: readonly {
  readonly name: CodecPeer;
  readonly leftOut: string | undefined;
  readonly command: () => PeerCommand;
}[] = [
  { name: "Python 2.12.0", leftOut: whyNoPython("2.12.0"), command: () => pythonPeer("2.12.0", "codec") },
  { name: "Rust 4.10.2", leftOut: whyNoRust, command: () => rustPeer("codec") },
];

const values = randomValues();
const blobs = values.map((value) => encodeAvroValue(value));
const frames = mutatedFrames(values);

for (const { name, leftOut, command } of PEERS) {
  describeUnless(leftOut, `the codec of ${name}`, () => {
    let read: readonly Answer[] = [];
    let written: readonly Answer[] = [];
    let judged: readonly Answer[] = [];
    beforeAll(async () => {
      const notations = values.map((value) => ({ value: notationOf(value) }));
      read = await answersTo(
        command(),
        blobs.map((blob) => ({ blob })),
      );
      written = await answersTo(command(), notations);
      judged = await answersTo(
        command(),
        frames.map((blob) => ({ blob })),
      );
    });

    it(`reads ${VALUES} random values of ours, as they were`, () => {
      expect(read).toHaveLength(VALUES);
      const wrong = read.flatMap((answer, index) => {
        const told = difference({ value: notationOf(values[index] ?? null) }, peerVerdict(answer));
        return told === undefined ? [] : [{ ...told, blob: blobs[index] }];
      });
      expect(wrong.slice(0, 5)).toEqual([]);
    });

    it(`writes ${VALUES} random values that we read, as they were`, () => {
      expect(written).toHaveLength(VALUES);
      const wrong = written.flatMap((answer, index) => {
        const blob = typeof answer === "string" ? answer : String(answer["blob"] ?? answer["error"]);
        const told = difference(ourVerdict(blob), { value: notationOf(values[index] ?? null) });
        return told === undefined ? [] : [{ ...told, blob }];
      });
      expect(wrong.slice(0, 5)).toEqual([]);
    });

    it("writes what it has read of ours in frames that we read as the same", () => {
      const wrong = read.filter((answer, index) => {
        if (typeof answer === "string") return true;
        const again = decodeAvroValue(String(answer["blob"]), { lossless: true });
        return JSON.stringify(notationOf(again)) !== JSON.stringify(notationOf(values[index] ?? null));
      });
      expect(wrong.slice(0, 5)).toEqual([]);
    });

    it(`judges ${MUTATED} mutated frames as we do, but for the differences of the table`, () => {
      expect(judged).toHaveLength(MUTATED);
      const found = new Map<string, Difference & { count: number; readonly example: string }>();
      for (const [index, answer] of judged.entries()) {
        const blob = frames[index] ?? "";
        const told = difference(ourVerdict(blob), peerVerdict(answer));
        if (told === undefined) continue;
        const key = JSON.stringify(told);
        const known = found.get(key);
        if (known === undefined) found.set(key, { ...told, count: 1, example: blob });
        else known.count++;
      }
      // Most damage is judged by both: were it not so, the comparison would say little.
      const refusedByBoth = judged.filter((answer, index) => {
        return "code" in ourVerdict(frames[index] ?? "") && "code" in peerVerdict(answer);
      });
      expect(refusedByBoth.length).toBeGreaterThan(MUTATED / 2);
      const listed = CODEC_DIFFERENCES.filter(({ peer }) => peer === name);
      const matches = (entry: CodecDifference, one: Difference) =>
        entry.theirs === one.theirs && entry.ours.test(one.ours);
      const unlisted = [...found.values()].filter((one) => !listed.some((entry) => matches(entry, one)));
      expect(unlisted, "differences that are not in the table").toEqual([]);
      const stale = listed.filter((entry) => ![...found.values()].some((one) => matches(entry, one)));
      expect(stale, "entries of the table that are not found any more").toEqual([]);
    });
  });
}
