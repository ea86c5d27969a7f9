/**
 * The frame of every payload: Avro single-object encoding (marker C3 01, then the schema's CRC-64-AVRO fingerprint,
 * little-endian) of the fixed schema `durable_workflow.protocol.Value`, a record with one union field.
 */
export const HEADER = new Uint8Array([0xc3, 0x01, 0xe2, 0xa3, 0x3d, 0xff, 0x55, 0x80, 0x22, 0x37]);
export const MARKER_LENGTH = 2;

/** Union branches as they are written: zigzag varints of 0 to 7, one byte each. */
export const NULL_BRANCH = 0;
export const BOOLEAN_BRANCH = 2;
export const LONG_BRANCH = 4;
export const DOUBLE_BRANCH = 6;
export const BYTES_BRANCH = 8;
export const STRING_BRANCH = 10;
export const ARRAY_BRANCH = 12;
export const MAP_BRANCH = 14;

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/** Scratch memory above this size is given back after use; it holds any payload within the server's limit. */
export const KEPT_SCRATCH_BYTES = 2 * 1024 * 1024;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
