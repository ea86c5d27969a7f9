import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, expect, it, vi } from "vitest";
import { sha256 } from "../../test/support/stored-payloads.js";
import { LocalFilesystemExternalStorage } from "./local.js";

/** What was done to the disk, in its order. The disk is a real one; nothing but watching is added. */
const done = vi.hoisted((): string[] => []);

vi.mock(import("node:fs/promises"), async (original) => {
  const fs = await original();
  return {
    ...fs,
    open: (async (...args: Parameters<typeof fs.open>) => {
      const file = await fs.open(...args);
      const sync = file.sync.bind(file);
      file.sync = async () => {
        await sync();
        done.push(`sync ${String(args[0])}`);
      };
      return file;
    }) as typeof fs.open,
    mkdir: (async (...args: Parameters<typeof fs.mkdir>) => {
      const made = await fs.mkdir(...args);
      done.push(`mkdir ${String(args[0])}`);
      return made;
    }) as typeof fs.mkdir,
    rename: async (...args: Parameters<typeof fs.rename>) => {
      await fs.rename(...args);
      done.push(`rename ${String(args[1])}`);
    },
  };
});

const folder = mkdtempSync(join(tmpdir(), "carrier-local-durability-"));
const root = join(folder, "payloads");
const driver = new LocalFilesystemExternalStorage({ root });
const put = async (text: string): Promise<string> => {
  const data = new TextEncoder().encode(text);
  return fileURLToPath(await driver.put(data, { sha256: sha256(text), codec: "avro" }));
};

afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  done.length = 0;
});

it.skipIf(process.platform === "win32")(
  "new folders and files are entries on the disk before their reference is given out (Windows has no such thing)",
  async () => {
    const path = await put("new");
    for (const made of [dirname(path), dirname(dirname(path))]) {
      const at = done.indexOf(`mkdir ${made}`);
      expect(done.indexOf(`sync ${dirname(made)}`, at)).toBeGreaterThan(at);
    }
    expect(done.indexOf(`sync ${dirname(path)}`, done.indexOf(`rename ${path}`))).toBeGreaterThan(0);
  },
);

it.skipIf(process.platform === "win32")(
  "so is a file that somebody else has only just put there (Windows has no such thing)",
  async () => {
    const path = await put("shared");
    done.length = 0;
    expect(await put("shared")).toBe(path);
    expect(done).toContain(`sync ${dirname(path)}`);
    expect(done.some((step) => step.startsWith("rename"))).toBe(false);
  },
);
