import fc from "fast-check";
import { expect, test } from "vitest";
import { secondsTimestamp, timestamp } from "./time.js";

// As far as microseconds are exact: the years 1685 to 2254.
const instants = fc.integer({ min: -9_000_000_000_000, max: 8_999_999_999_999 });

test("instants of any order are written as Date writes them, with three digits more", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(instants, fc.nat({ max: 999 })), { minLength: 1 }), (all) => {
      for (const [ms, micros] of all) {
        const at = ms * 1000 + micros;
        const iso = new Date(ms).toISOString();
        expect(timestamp(at)).toBe(`${iso.slice(0, -1)}${String(micros).padStart(3, "0")}Z`);
        expect(secondsTimestamp(at)).toBe(`${iso.slice(0, 19)}+00:00`);
        // One that came just before is in the same second, or in the one before.
        expect(timestamp(at + 1) > timestamp(at)).toBe(true);
      }
    }),
  );
});
