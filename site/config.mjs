// The site's settings: VitePress with its own theme, local search, nothing from elsewhere.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { REPOSITORY } from "../scripts/manifests.mjs";
import { titleOf } from "./pages.mjs";

const source = fileURLToPath(new URL(".stage/", import.meta.url));

/** The rooms of docs/, in the order in which a reader needs them. */
const ROOMS = [
  ["start", "Start"],
  ["write", "Write activities"],
  ["host", "Host them"],
  ["deploy", "On a platform"],
  ["operate", "Operate"],
  ["understand", "Understand"],
  ["reference", "Reference"],
  ["project", "The project"],
];

function pagesIn(folder, prefix) {
  return readdirSync(folder)
    .toSorted()
    .flatMap((name) => {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) {
        const items = pagesIn(path, `${prefix}${name}/`);
        return items.length === 0 ? [] : [{ text: name, collapsed: true, items }];
      }
      if (!name.endsWith(".md")) return [];
      return [{ text: titleOf(readFileSync(path, "utf8")), link: `${prefix}${name.slice(0, -3)}` }];
    });
}

const present = new Set(readdirSync(source));
const sidebar = ROOMS.filter(([room]) => present.has(room)).map(([room, text]) => ({
  text,
  collapsed: room === "deploy" || room === "project",
  items: pagesIn(join(source, room), `/${room}/`),
}));
const topPages = readdirSync(source).filter((name) => name.endsWith(".md") && name !== "README.md");
if (topPages.length > 0) {
  const items = topPages.map((name) => ({
    text: titleOf(readFileSync(join(source, name), "utf8")),
    link: `/${name.slice(0, -3)}`,
  }));
  sidebar.unshift({ text: "First", items });
}

export default {
  title: "Durable Workflow carriers",
  description:
    "Durable activities in TypeScript: carrier library, dispatcher, worker, client, local engine and command",
  lang: "en",
  srcDir: ".stage",
  outDir: "dist",
  cacheDir: ".cache",
  rewrites: { "README.md": "index.md" },
  cleanUrls: true,
  lastUpdated: false,
  // Checked after the build, anchors too: site/links.mjs.
  ignoreDeadLinks: true,
  markdown: { theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" } },
  themeConfig: {
    search: { provider: "local" },
    sidebar,
    outline: [2, 3],
    socialLinks: [{ icon: "github", link: REPOSITORY }],
    footer: { message: "MIT licence" },
  },
};
