import { createHash } from "node:crypto";

export interface Artifact {
  readonly artifact: string;
  readonly media_type: string;
  readonly schema: string;
  readonly version: number;
  /** Of the example's compact JSON. */
  readonly sha256: string;
  readonly example: unknown;
}

/** An example as it is published: with the digest by which a reader tells that it came through unharmed. */
export function artifact(schema: string, version: number, mediaType: string, name: string, example: unknown): Artifact {
  return {
    artifact: `${schema}.${name}.v${version}`,
    media_type: mediaType,
    schema,
    version,
    sha256: createHash("sha256").update(JSON.stringify(example)).digest("hex"),
    example,
  };
}
