// The pages of the site: those of docs/ as they are, but for links to what is no page of it; and what is made of them for machines.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { REPOSITORY } from "../scripts/manifests.mjs";

/** Every page of docs/, by its path in there. */
export function pagesOf(docs) {
  return readdirSync(docs, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".md"))
    .toSorted();
}

/** The text of a page with links out of docs/ led to the repository: a file of it is no page of the site. */
export function withRepositoryLinks(text, page) {
  return text.replace(/(\]\()([^)\s#]+)((?:#[^)\s]*)?\))/g, (whole, open, target, close) => {
    if (/^[a-z]+:/.test(target) || target.startsWith("/")) return whole;
    const path = posix.join("docs", posix.dirname(page), target);
    // The index is the site's first page.
    if (path === "docs/README.md") return `${open}${target.replace(/README\.md$/, "index.md")}${close}`;
    if (path.startsWith("docs/") && /\.(?:md|png|svg)$/.test(path)) return whole;
    const kind = /\.[a-zA-Z0-9]+$|\/(?:Dockerfile|CODEOWNERS|LICENSE)$/.test(path) ? "blob" : "tree";
    return `${open}${REPOSITORY}/${kind}/main/${path.replace(/\/$/, "")}${close}`;
  });
}

/** The title of a page: its first heading. */
export function titleOf(text) {
  return (/^# (.+)$/m.exec(text)?.[1] ?? "").replaceAll("`", "");
}

/** Copies docs/ to where the site is built. */
export function stage(docs, folder) {
  mkdirSync(folder, { recursive: true });
  cpSync(docs, folder, { recursive: true });
  for (const page of pagesOf(docs)) {
    const file = join(folder, page);
    writeFileSync(file, withRepositoryLinks(readFileSync(file, "utf8"), page));
  }
}

/** Writes llms.txt and each page's own text beside its HTML, as https://llmstxt.org has it. */
export function writeForMachines(folder, dist, intro) {
  const pages = pagesOf(folder).filter((page) => !page.startsWith("."));
  const lines = pages.map((page) => {
    const text = readFileSync(join(folder, page), "utf8");
    const file = join(dist, page);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return { page, line: `- [${titleOf(text) || page}](/${page})` };
  });
  const of = (begin) => lines.filter(({ page }) => page.startsWith(begin)).map(({ line }) => line);
  const rooms = [...new Set(pages.map((page) => (page.includes("/") ? page.split("/")[0] : "")))];
  const parts = rooms.map((room) =>
    room === ""
      ? lines
          .filter(({ page }) => !page.includes("/"))
          .map(({ line }) => line)
          .join("\n")
      : `## ${room}\n\n${of(`${room}/`).join("\n")}`,
  );
  writeFileSync(join(dist, "llms.txt"), `${intro.trim()}\n\n${parts.join("\n\n")}\n`);
}
