import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { JsonObject } from "@durable-workflow/carrier/protocol";

/** How a path is shown: where files lie is nobody's business, which file it was is. */
export function describePath(path: string): JsonObject {
  return { basename: basename(path), sha256: createHash("sha256").update(path).digest("hex") };
}
