import fc from "fast-check";
import { type AvroValue, avroDouble } from "../../src/payload/value.js";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
/** Integers of every length, not mostly of the greatest. */
const integer = fc.tuple(int64, fc.bigInt({ min: 0n, max: 63n })).map(([value, shift]) => value >> shift);
const double = fc.double({ noNaN: true, noDefaultInfinity: true });

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 16 }) },
  { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength: 16 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 20, maxLength: 80 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("a", "é", "語", "🔑"), fc.nat({ max: 300 })).map(([unit, n]) => unit.repeat(n)),
  },
);

const bytes = fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ minLength: 60, maxLength: 70 }));

/** Among them those that fast-check knows for trouble. avsc loses `__proto__`; the vectors and the unit tests have it. */
const key = fc
  .oneof(text, fc.constantFrom("", "0", "10", "-1", "constructor", "toString", "length", "$type"))
  .filter((name) => name !== "__proto__");

function trees(...numbers: readonly fc.Arbitrary<AvroValue>[]): fc.Arbitrary<AvroValue> {
  const scalar = fc.oneof(fc.constant(null), fc.boolean(), text, bytes, ...numbers);
  // Block counts of more than one byte.
  const wide = fc.tuple(scalar, fc.integer({ min: 63, max: 130 }), fc.boolean()).map(([item, count, isMap]) => {
    const items = Array<AvroValue>(count).fill(item);
    return isMap ? Object.fromEntries(items.map((value, index) => [`k${index}`, value])) : items;
  });
  return fc.letrec<{ value: AvroValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      { weight: 4, arbitrary: scalar },
      { weight: 3, arbitrary: fc.array(tie("value"), { maxLength: 5 }) },
      { weight: 3, arbitrary: fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: true }) },
      { weight: 1, arbitrary: wide },
    ),
  })).value;
}

/** Payload values with each number in its kind: bigints and AvroDoubles. */
export const losslessValues = trees(integer, double.map(avroDouble));

/** Payload values of everyday numbers, which come back as they were. */
export const plainValues = trees(
  fc.maxSafeInteger(),
  double.filter((value) => !Number.isSafeInteger(value) || Object.is(value, -0)),
);
