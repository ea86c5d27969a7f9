import { createHash } from "node:crypto";
import type { PublishedArtifact } from "@durable-workflow/engine-protocol/control";

/** An example as it is published: with the digest by which a reader tells that it came through unharmed. */
export function artifact<Example>(
  schema: string,
  version: number,
  mediaType: string,
  name: string,
  example: Example,
): PublishedArtifact<Example> {
  return {
    artifact: `${schema}.${name}.v${version}`,
    media_type: mediaType,
    schema,
    version,
    sha256: createHash("sha256").update(JSON.stringify(example)).digest("hex"),
    example,
  };
}
