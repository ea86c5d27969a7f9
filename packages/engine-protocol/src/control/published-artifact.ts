import type { PublishedContract } from "../contract-id.js";

/** An example document as a contract publishes it, so that readers can test themselves by it. */
export interface PublishedArtifact<Example = unknown> extends PublishedContract {
  readonly artifact: string;
  readonly media_type: string;
  /** SHA-256 of the example's compact JSON, in hexadecimal digits. */
  readonly sha256: string;
  readonly example: Example;
}
