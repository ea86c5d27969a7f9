import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTimestamp } from "./format-timestamp.js";
import { parseTimestamp } from "./timestamps.js";

describe("parseTimestamp", () => {
  it.each([
    ["1970-01-01T00:00:00Z", 0],
    ["2999-06-01T12:30:00Z", Date.UTC(2999, 5, 1, 12, 30)],
    ["1969-12-31T23:59:59.999Z", -1],

    // T and Z in either case
    ["2031-03-04t05:06:07Z", Date.UTC(2031, 2, 4, 5, 6, 7)],
    ["2031-03-04T05:06:07z", Date.UTC(2031, 2, 4, 5, 6, 7)],
    ["2031-03-04t05:06:07.5z", Date.UTC(2031, 2, 4, 5, 6, 7, 500)],

    // no zone is UTC
    ["2031-03-04T05:06:07", Date.UTC(2031, 2, 4, 5, 6, 7)],
    ["2031-03-04T05:06:07.250", Date.UTC(2031, 2, 4, 5, 6, 7, 250)],

    // fractions: what is finer than a millisecond is cut off
    ["1970-01-01T00:00:00.1Z", 100],
    ["1970-01-01T00:00:00.12Z", 120],
    ["1970-01-01T00:00:00.123Z", 123],
    ["1970-01-01T00:00:00.1239Z", 123],
    ["1970-01-01T00:00:00.12399Z", 123],
    ["1970-01-01T00:00:00.123999Z", 123],
    ["1970-01-01T00:00:00.1239999Z", 123],
    ["1970-01-01T00:00:00.12399999Z", 123],
    ["1970-01-01T00:00:00.123999999Z", 123],
    ["1970-01-01T00:00:00.0009Z", 0],
    [`1970-01-01T00:00:00.999${"9".repeat(60)}Z`, 999],
    ["1970-01-01T00:00:00.001+00:00", 1],

    // offsets
    ["1970-01-01T00:00:00+00:00", 0],
    ["1970-01-01T00:00:00-00:00", 0],
    ["1970-01-01T02:00:00+02:00", 0],
    ["1969-12-31T18:30:00-05:30", 0],
    ["1970-01-01T23:59:00+23:59", 0],
    ["1969-12-31T00:01:00-23:59", 0],
    ["2031-03-01T00:30:00+01:00", Date.UTC(2031, 1, 28, 23, 30)],

    // February 29
    ["2028-02-29T00:00:00Z", Date.UTC(2028, 1, 29)],
    ["2000-02-29T00:00:00Z", Date.UTC(2000, 1, 29)],
    ["2400-02-29T00:00:00Z", Date.UTC(2400, 1, 29)],
    ["2028-03-01T00:00:00Z", Date.UTC(2028, 2, 1)],

    // first and last years
    ["0000-01-01T00:00:00Z", -62_167_219_200_000],
    ["0000-02-29T00:00:00Z", -62_162_121_600_000],
    ["0000-12-31T00:00:00Z", -62_135_683_200_000],
    ["0001-01-01T00:00:00Z", -62_135_596_800_000],
    ["0099-01-01T00:00:00Z", -59_042_995_200_000],
    ["9999-12-31T23:59:59.999Z", 253_402_300_799_999],

    // leap seconds: the last second of a UTC day, the same instant as the first of the next day
    ["1990-12-31T23:59:60Z", Date.UTC(1991, 0, 1)],
    ["1990-12-31T23:59:60", Date.UTC(1991, 0, 1)],
    ["1990-12-31T15:59:60-08:00", Date.UTC(1991, 0, 1)],
    ["1991-01-01T00:59:60+01:00", Date.UTC(1991, 0, 1)],
    ["1991-01-01T23:58:60+23:59", Date.UTC(1991, 0, 1)],
    ["1990-12-31T00:00:60-23:59", Date.UTC(1991, 0, 1)],
    ["2016-12-31T23:59:60.25Z", Date.UTC(2017, 0, 1, 0, 0, 0, 250)],
  ])("reads %s", (text, expected) => {
    expect(parseTimestamp(text)).toBe(expected);
  });

  it.each([
    // not a timestamp at all
    "",
    " ",
    "now",
    "null",
    "0",
    "1970",
    "1970-01-01",
    "00:00:00Z",
    "Thu, 01 Jan 1970 00:00:00 GMT",

    // too little or too much
    "1970-01-01T00:00Z",
    "1970-01-01T00:00:0Z",
    "1970-01-01T0:00:00Z",
    "1970-1-01T00:00:00Z",
    "1970-01-1T00:00:00Z",
    "70-01-01T00:00:00Z",
    "12970-01-01T00:00:00Z",
    "+01970-01-01T00:00:00Z",
    "-1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00ZZ",
    "1970-01-01T00:00:00Z0",
    "1970-01-01T00:00:00Z+00:00",

    // white space
    " 1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z ",
    "1970-01-01T00:00:00Z\n",
    "1970-01-01T00:00:00\n",
    "1970-01-01T00:00:00 Z",
    "1970-01-01T00:00:00Z\0",

    // separators
    "1970-01-01 00:00:00Z",
    "1970-01-01_00:00:00Z",
    "1970/01/01T00:00:00Z",
    "1970-01/01T00:00:00Z",
    "1970-01-01T00.00.00Z",
    "1970-01-01T00:00.00Z",
    "19700101T000000Z",
    "1970-001T00:00:00.00Z",
    "1970-W01-4T00:00:00Z",

    // out of range
    "1970-00-01T00:00:00Z",
    "1970-13-01T00:00:00Z",
    "1970-01-00T00:00:00Z",
    "1970-01-32T00:00:00Z",
    "1970-04-31T00:00:00Z",
    "1970-06-31T00:00:00Z",
    "1970-09-31T00:00:00Z",
    "1970-11-31T00:00:00Z",
    "1970-01-01T24:00:00Z",
    "1970-01-01T25:00:00Z",
    "1970-01-01T00:60:00Z",
    "1970-01-01T00:00:61Z",
    "1970-01-01T00:00:99Z",

    // February 29
    "2027-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2028-02-30T00:00:00Z",

    // leap seconds elsewhere in the day
    "1990-12-31T00:00:60Z",
    "1990-12-31T12:59:60Z",
    "1990-12-31T23:58:60Z",
    "1990-12-31T23:59:61Z",
    "1990-12-31T23:59:60+01:00",
    "1990-12-31T15:58:60-08:00",

    // fractions
    "1970-01-01T00:00:00.",
    "1970-01-01T00:00:00.Z",
    "1970-01-01T00:00:00,5Z",
    "1970-01-01T00:00:00.5.5Z",
    "1970-01-01T00:00:00.-5Z",
    "1970-01-01T00:00:00. 5Z",
    "1970-01-01T00:00:00.5e3Z",

    // zones
    "1970-01-01T00:00:00+",
    "1970-01-01T00:00:00-",
    "1970-01-01T00:00:00+0",
    "1970-01-01T00:00:00+00",
    "1970-01-01T00:00:00+0000",
    "1970-01-01T00:00:00+00:0",
    "1970-01-01T00:00:00+00:000",
    "1970-01-01T00:00:00+00.00",
    "1970-01-01T00:00:00+24:00",
    "1970-01-01T00:00:00-24:00",
    "1970-01-01T00:00:00+23:60",
    "1970-01-01T00:00:00+-1:00",
    "1970-01-01T00:00:00\u221200:00",
    "1970-01-01T00:00:00UTC",
    "1970-01-01T00:00:00[UTC]",

    // other digits
    "197\u0660-01-01T00:00:00Z",
    "1970-01-01T00:00:\uff10\uff10Z",
    "1970-01-01T00:00:00.\u0665Z",
    "1970-01-01T00:00:00+0\u0967:00",
    "0x70-01-01T00:00:00Z",
    " 970-01-01T00:00:00Z",
    "1970-01-01T00:00:+1Z",
  ])("refuses %j", (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  const dates = fc.date({
    min: new Date("0000-01-02T00:00:00Z"),
    max: new Date("9999-12-30T00:00:00Z"),
    noInvalidDate: true,
  });
  const offsets = fc
    .record({ sign: fc.constantFrom("+", "-"), hours: fc.nat(23), minutes: fc.nat(59) })
    .map(({ sign, hours, minutes }) => {
      const text = `${sign}${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
      return { text, ms: (sign === "-" ? -1 : 1) * (hours * 60 + minutes) * 60_000 };
    });

  it("agrees with Date on every instant of the years 0 to 9999, written in any zone", () => {
    fc.assert(
      fc.property(dates, offsets, fc.stringMatching(/^\d{0,6}$/), (date, offset, moreDigits) => {
        const local = new Date(date.getTime() + offset.ms).toISOString().slice(0, -1);
        expect(parseTimestamp(`${local}${moreDigits}${offset.text}`)).toBe(date.getTime());
        expect(new Date(`${local}${offset.text}`).getTime()).toBe(date.getTime());
      }),
      { numRuns: 2000 },
    );
  });

  it("agrees with Date on which days exist", () => {
    for (const year of ["0000", "0004", "0100", "1900", "1999", "2000", "2027", "2028", "9999"]) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const text = `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}T00:00:00.000Z`;
          const date = new Date(text);
          // Date takes February 30 for March 1.
          const exists = !Number.isNaN(date.getTime()) && date.toISOString() === text;
          expect(parseTimestamp(text), text).toBe(exists ? date.getTime() : undefined);
        }
      }
    }
  });

  it("never throws", () => {
    const nearly = fc.stringMatching(/^\d{4}-[01]\d-[0-3]\d[Tt ][0-2]\d:[0-6]\d:[0-6]\d.{0,8}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), nearly), (text) => {
        expect(["number", "undefined"]).toContain(typeof parseTimestamp(text));
      }),
    );
  });
});

describe("formatTimestamp", () => {
  it.each([
    [0, "1970-01-01T00:00:00.000Z"],
    [-1, "1969-12-31T23:59:59.999Z"],
    [Date.UTC(2999, 5, 1, 12, 30), "2999-06-01T12:30:00.000Z"],
  ])("writes %d", (epochMs, text) => {
    expect(formatTimestamp(epochMs)).toBe(text);
    expect(parseTimestamp(text)).toBe(epochMs);
  });
});
