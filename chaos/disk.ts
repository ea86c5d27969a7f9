import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

const MB = 1024 * 1024;
const BASE_BYTES = 256 * MB;
const TASK_BYTES = 12 * 1024;
/** On average, argument and result, with room for what is uploaded twice. */
const LARGE_BYTES = 8 * MB;

/** A file system of its own for the engine, which can be filled up; or a folder, where none can be mounted. */
export class EngineDisk {
  readonly folder: string;
  /** Why it cannot be filled up, or undefined. */
  readonly missing: string | undefined;
  private readonly ballast: string;

  constructor(home: string, tasks: number) {
    this.folder = join(home, "disk");
    this.ballast = join(this.folder, "ballast");
    mkdirSync(this.folder);
    this.missing = mount(join(home, "disk.img"), this.folder, tasks);
  }

  /** Takes all that is left of it, as far as it can be taken. */
  fill(): void {
    if (this.missing !== undefined) return;
    const { bavail, bsize } = statfsSync(this.folder);
    spawnSync("fallocate", ["-l", String(Math.max(1, bavail - 1) * bsize), this.ballast]);
    const file = openSync(this.ballast, "a");
    try {
      for (;;) writeSync(file, Buffer.alloc(bsize));
    } catch {
      // Now it is full.
    } finally {
      closeSync(file);
    }
  }

  /** There is room again. */
  empty(): void {
    rmSync(this.ballast, { force: true });
  }

  close(): void {
    if (this.missing === undefined) spawnSync("umount", ["--lazy", this.folder]);
  }
}

/** An image of ext4 in a sparse file, so that what is flushed is flushed to a real disk. */
function mount(image: string, folder: string, tasks: number): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return "a file system can be mounted by root on Linux only";
  }
  const file = openSync(image, "w");
  ftruncateSync(file, BASE_BYTES + tasks * TASK_BYTES + Math.min(Math.ceil(tasks / 100), 3_000) * LARGE_BYTES);
  closeSync(file);
  for (const [program, ...args] of [
    ["mkfs.ext4", "-q", "-F", "-m", "0", "-i", "65536", image],
    ["mount", "-o", "loop", image, folder],
  ] as const) {
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) return `${program} failed: ${stderr?.split("\n")[0] ?? "it is not there"}`;
  }
  return undefined;
}
