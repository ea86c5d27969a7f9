import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolders } from "@durable-workflow/carrier/storage/local";
import { fileTrouble } from "@durable-workflow/dispatcher/tools";
import { readTextFile } from "../options/text-file.js";
import { CliError, type CliIo, EXIT } from "../shell/command.js";
import { manifestText, type Template, wantsToken } from "./manifests.js";

const FOLDER = fileURLToPath(new URL("../../templates/", import.meta.url));
/** In every template, unless it has a file of that name itself. */
const COMMON = "common";
/** Packing leaves files of the first name out. */
const NAMES: Readonly<Record<string, string>> = { gitignore: ".gitignore" };
const SECRET = ".env";

/**
 * Writes what a template has into a folder, which is made where it is not there. No file that is there is touched: where one
 * is in the way, nothing is written. Nothing is asked of the network.
 *
 * @param folder an absolute path
 * @returns the names of the files, with `/`
 * @throws {CliError} naming files that are in the way, and for a folder that cannot be written
 */
export async function writeTemplate(template: Template, folder: string, io: CliIo): Promise<readonly string[]> {
  const name = packageName(basename(folder));
  const files = new Map<string, string>([["package.json", manifestText(template, name)]]);
  for (const source of [COMMON, template]) {
    for (const file of await filesIn(join(FOLDER, source))) {
      const text = await readTextFile(join(FOLDER, source, file), io);
      files.set(NAMES[file] ?? file, text.replaceAll("{{name}}", name));
    }
  }
  if (wantsToken(template)) files.set(SECRET, `DW_CARRIER_TOKEN=${randomBytes(24).toString("base64url")}\n`);
  const taken = [...files.keys()].filter((file) => existsSync(join(folder, file)));
  if (taken.length > 0) {
    const what = `${taken.join(", ")} ${taken.length === 1 ? "is" : "are"} in ${folder} already`;
    throw new CliError(EXIT.config, what, "Name a folder of its own: dw-carrier init DIR.");
  }
  try {
    for (const [file, text] of files) {
      await makeFolders(dirname(join(folder, file)));
      await writeFile(join(folder, file), text, { flag: "wx", mode: file === SECRET ? 0o600 : 0o666 });
    }
  } catch (error) {
    throw new CliError(EXIT.config, `${folder} cannot be written: ${fileTrouble(error)}`, "Name another folder.");
  }
  return [...files.keys()].toSorted();
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    )
    .toSorted();
}

/** A name that npm takes. */
function packageName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "")
    .slice(0, 200);
  return name === "" || name === "node_modules" ? "activities" : name;
}
