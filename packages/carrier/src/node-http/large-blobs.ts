import type * as LargeBlob from "./large-blob.js";

/** From here on a blob goes past the JSON parser and printer, which would take several times as long as the codec does. */
const LARGE_BLOB_BYTES = 32 * 1024;

let loading: Promise<void> | undefined;
let loaded: typeof LargeBlob | undefined;

/**
 * What large blobs go through. Loaded when the first one is met, which goes through the JSON parser or printer itself: most
 * carriers never meet one.
 */
function whenLarge(size: number): typeof LargeBlob | undefined {
  if (size < LARGE_BLOB_BYTES) return undefined;
  loading ??= import("./large-blob.js").then(
    (module) => {
      loaded = module;
    },
    // What it does is done without it, too.
    () => {},
  );
  return loaded;
}

/**
 * The task input that bytes hold, where its arguments are a large blob, and what is around it is small. Undefined for all
 * others: they are for the JSON parser to read, and to find faults with.
 */
export function parseAroundBlob(chunks: readonly Buffer[], size: number): object | undefined {
  return whenLarge(size)?.parseAroundBlob(chunks, size, LARGE_BLOB_BYTES);
}

interface Blobs {
  readonly result?: { readonly payload?: { readonly blob?: unknown } | null } | null;
}

/** The bytes of a result with a large blob; undefined for all others. */
export function printAroundBlob(document: object): Uint8Array | undefined {
  const blob = (document as Blobs).result?.payload?.blob;
  return typeof blob === "string" ? whenLarge(blob.length)?.printAround(document, blob) : undefined;
}
