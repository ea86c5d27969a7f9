// Checks the site as it was built: every link and anchor leads somewhere, and no page asks another origin for anything.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

const ATTRIBUTES = /\s(href|src|srcset|id|name)="([^"]*)"/g;
const LOADS = /<(?:script|img|link|source|iframe|video|audio)\b[^>]*?\s(?:src|href)="((?:https?:)?\/\/[^"]+)"/g;

function decode(text) {
  return decodeURIComponent(text.replaceAll("&amp;", "&"));
}

/** What is wrong with the links of a built site, one sentence each. */
export function brokenLinks(dist) {
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).map((file) => file.replaceAll("\\", "/"));
  const pages = new Map();
  for (const file of files.filter((name) => name.endsWith(".html"))) {
    const text = readFileSync(join(dist, file), "utf8");
    const ids = new Set();
    const links = [];
    for (const [, attribute, value] of text.matchAll(ATTRIBUTES)) {
      if (attribute === "id" || attribute === "name") ids.add(decode(value));
      else links.push(value);
    }
    pages.set(file, { ids, links, text });
  }
  const wrong = [];
  for (const [file, { links, text }] of pages) {
    for (const [, address] of text.matchAll(LOADS)) wrong.push(`${file} loads ${address} from elsewhere`);
    for (const link of links) {
      if (link === "" || /^(?:[a-z]+:|\/\/)/.test(link)) continue;
      const [path = "", anchor] = decode(link).split("#");
      const plain = path.split("?")[0] ?? "";
      const target =
        plain === "" ? file : posix.join(plain.startsWith("/") ? "" : posix.dirname(file), plain).replace(/^\//, "");
      const found = [target, `${target}.html`, posix.join(target, "index.html")].find(
        (name) => pages.has(name) || (name !== "" && existsSync(join(dist, name)) && /\.\w+$/.test(name)),
      );
      if (found === undefined) wrong.push(`${file} links to ${link}, which is not there`);
      else if (anchor !== undefined && anchor !== "" && pages.has(found) && !pages.get(found).ids.has(anchor))
        wrong.push(`${file} links to ${link}: ${found} has no such heading`);
    }
  }
  for (const file of files.filter((name) => name.endsWith(".css")))
    for (const [, address] of readFileSync(join(dist, file), "utf8").matchAll(/url\(["']?((?:https?:)?\/\/[^)"']+)/g))
      wrong.push(`${file} loads ${address} from elsewhere`);
  return [...new Set(wrong)];
}
