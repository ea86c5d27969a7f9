import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PYTHON_WORKERS, RUST_WORKERS, whyNotServed } from "./expectations.js";
import { PYTHON_VERSIONS, preparePeers } from "./support/prepare-peers.js";

describe("where there is neither Python nor cargo", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "interop-"));
    vi.stubEnv("PATH", folder);
    vi.stubEnv("XDG_CACHE_HOME", folder);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  it("every peer is left out, with the reason", () => {
    const { python, rust } = preparePeers();
    expect(rust.missing).toMatch(/^cargo build: .*ENOENT/);
    for (const version of PYTHON_VERSIONS) expect(python[version].missing).toMatch(/^python3 -m venv: .*ENOENT/);
  });

  it("the Rust project is built from a copy in the cache, so that its lock file stays there", () => {
    preparePeers();
    expect(existsSync(join(folder, "durable-workflow-interop", "rust", "src", "main.rs"))).toBe(true);
    expect(existsSync(fileURLToPath(new URL("rust/Cargo.lock", import.meta.url)))).toBe(false);
  });
});

describe("an engine", () => {
  const served = (advertised: string): readonly string[] =>
    [...PYTHON_WORKERS, ...RUST_WORKERS]
      .filter((peer) => whyNotServed(peer, advertised) === undefined)
      .map(({ name }) => name);

  it("serves the workers that want no newer protocol than it advertises", () => {
    expect(served("1.13")).toEqual([]);
    expect(served("1.15")).toEqual(["Python 2.0.0rc35"]);
    expect(served("1.19")).toHaveLength(PYTHON_WORKERS.length + RUST_WORKERS.length - 2);
    expect(served("1.20")).toHaveLength(PYTHON_WORKERS.length + RUST_WORKERS.length);
    expect(served("2.0")).toEqual([]);
    expect(served("1.9")).toEqual([]);
  });
});
