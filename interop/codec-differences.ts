export type CodecPeer = "Python 2.12.0" | "Rust 4.10.2";

/** A way in which a peer's codec judges damaged frames otherwise than ours. What is listed and not found fails. */
export interface CodecDifference {
  readonly peer: CodecPeer;
  /** What our error says of the frame. */
  readonly ours: RegExp;
  /** The code of the peer's error, `a value`, `another value`, or `the process ended`. */
  readonly theirs: string;
  readonly reason: string;
}

export const CODEC_DIFFERENCES: readonly CodecDifference[] = [
  {
    peer: "Python 2.12.0",
    ours: /not strict base64/,
    theirs: "unsupported_payload_schema",
    reason:
      "b64decode with validate=True passes over what follows a complete group of padding, and reads the schema's fingerprint " +
      "out of shifted bits; both refuse the frame, with different codes.",
  },
  {
    peer: "Python 2.12.0",
    ours: /invalid integer/,
    theirs: "a value",
    reason:
      "fastavro reads a variable-length integer of any number of bytes and lets the bits beyond 64 fall away, overlong zeros " +
      "included; a frame then holds another number than its writer meant, so ours refuses it.",
  },
  {
    peer: "Python 2.12.0",
    ours: /invalid branch/,
    theirs: "a value",
    reason:
      "fastavro takes a union's branch as an index into a list, where Python counts negative ones from the end: branch -1 is a " +
      "map. Avro has no negative branches.",
  },
  {
    peer: "Python 2.12.0",
    ours: /invalid boolean/,
    theirs: "a value",
    reason: "fastavro takes every byte but 0 for true. Avro writes a boolean as 0 or 1.",
  },
  {
    peer: "Rust 4.10.2",
    ours: /invalid integer/,
    theirs: "a value",
    reason: "apache-avro reads up to ten bytes, and lets overlong zeros and bits beyond 64 pass, as fastavro does.",
  },
  {
    peer: "Rust 4.10.2",
    ours: /invalid integer/,
    theirs: "the process ended",
    reason: "apache-avro makes room for as many items as such a count says before it reads one; see below.",
  },
  {
    peer: "Rust 4.10.2",
    ours: /invalid branch/,
    theirs: "a value",
    reason: "Overlong zeros in a branch, which apache-avro lets pass.",
  },
  {
    peer: "Rust 4.10.2",
    ours: /the frame is too short/,
    theirs: "the process ended",
    reason:
      "apache-avro makes room for as many items as a list or map announces before it reads one: with a count of millions in a " +
      "frame of a hundred bytes it ends where memory does. That is why the peer runs with a limit of its own.",
  },
  {
    peer: "Rust 4.10.2",
    ours: /invalid length/,
    theirs: "the process ended",
    reason: "The same: a block of negative count, whose size in bytes is negative, too.",
  },
];
