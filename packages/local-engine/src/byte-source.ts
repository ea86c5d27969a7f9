/** Bytes that come from somewhere, once. */
export interface ByteSource {
  /**
   * Gives what comes to `take`, piece by piece; no further while that is at work.
   *
   * @param take true for more; false when the rest is of no use
   * @returns whether it has come to its end
   * @throws (as a rejection) where the rest will not come, and what `take` throws
   */
  read(take: (chunk: Uint8Array) => true | false | Promise<boolean>): Promise<boolean>;
}
