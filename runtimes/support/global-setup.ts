import type { TestProject } from "vitest/node";
import { prepareRuntimes, type Runtimes, removeWork } from "./prepare-runtimes.js";

declare module "vitest" {
  interface ProvidedContext {
    readonly runtimes: Runtimes;
  }
}

/** Installs what is missing, and lays out the folder of this run, before any test file is read. */
export default function setup({ provide }: TestProject): () => void {
  const runtimes = prepareRuntimes();
  provide("runtimes", runtimes);
  return () => removeWork(runtimes);
}
