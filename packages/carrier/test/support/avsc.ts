import avsc from "avsc";
import { type AvroValue, avroDouble, isAvroDouble } from "../../src/payload/value.js";
import { readVectors } from "./avro-vectors.js";

/** avsc reads and writes longs beyond the safe integers through this hook of its own. */
// oxlint-disable-next-line no-underscore-dangle
const long = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

const type = avsc.Type.forSchema(readVectors().schema as avsc.Schema, { registry: { long }, wrapUnions: true });

/** The datum of a value, as the independent implementation writes it. Numbers are bigints and doubles. */
export function avscWrite(value: AvroValue): Buffer {
  return type.toBuffer(wrap(value));
}

/** The value of a datum, as the independent implementation reads it. It loses keys named `__proto__`. */
export function avscRead(datum: Buffer): AvroValue {
  return unwrap(type.fromBuffer(datum));
}

/** A Value record: its one field is null, or an object with one key, the branch, which holds a record of one field. */
interface Wrapped {
  readonly value: Readonly<Record<string, Readonly<Record<string, unknown>>>> | null;
}

function wrap(value: AvroValue): Wrapped {
  if (value === null) return { value: null };
  if (typeof value === "boolean") return branch("BooleanValue", { boolean: value });
  if (typeof value === "bigint") return branch("LongValue", { long: value });
  if (typeof value === "string") return branch("StringValue", { string: value });
  if (typeof value === "number") throw new Error("A number has no kind of its own");
  if (value instanceof Uint8Array) return branch("BytesValue", { bytes: Buffer.from(value) });
  if (isAvroDouble(value)) return branch("DoubleValue", { double: value.value });
  if (Array.isArray(value)) return branch("ArrayValue", { items: value.map(wrap) });
  const entries = Object.entries(value).map(([key, item]) => [key, wrap(item)] as const);
  return branch("MapValue", { entries: Object.fromEntries(entries) });
}

function branch(name: string, record: Readonly<Record<string, unknown>>): Wrapped {
  return { value: { [`durable_workflow.protocol.${name}`]: record } };
}

function unwrap({ value }: Wrapped): AvroValue {
  if (value === null) return null;
  const name = Object.keys(value).join(" ");
  const content: unknown = Object.values(value).flatMap(Object.values).at(0);
  switch (name.replace("durable_workflow.protocol.", "")) {
    case "DoubleValue":
      return avroDouble(content as number);
    case "BytesValue":
      return new Uint8Array(content as Buffer);
    case "ArrayValue":
      return (content as Wrapped[]).map(unwrap);
    case "MapValue":
      return Object.fromEntries(
        Object.entries(content as Record<string, Wrapped>).map(([key, item]) => [key, unwrap(item)]),
      );
    default:
      return content as boolean | bigint | string;
  }
}
