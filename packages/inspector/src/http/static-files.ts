import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A file of the page, as it is sent. */
export interface StaticFile {
  readonly bytes: Buffer;
  readonly type: string;
  /** Whether its name says what is in it: it may be kept for good. */
  readonly isHashed: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  json: "application/json",
  txt: "text/plain; charset=utf-8",
  png: "image/png",
  ico: "image/x-icon",
};
const HASHED = /-[0-9a-zA-Z]{8,}\.[a-z]+$/;

/**
 * The files of a folder and its folders, read once: a path of a request is looked up, and never becomes one of the file system.
 * An empty map where there is no such folder.
 */
export function readStaticFiles(folder: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  for (const name of namesIn(folder)) {
    const path = name.replaceAll("\\", "/");
    const type = TYPES[/\.([a-z]+)$/.exec(path)?.[1] ?? ""];
    if (type === undefined) continue;
    files.set(path, { bytes: readFileSync(join(folder, name)), type, isHashed: HASHED.test(path) });
  }
  return files;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
}
