import { createRequire } from "node:module";

/** The part of saxes that is used; its own types do not compile with `exactOptionalPropertyTypes`. */
interface XmlParser {
  on(event: "error", handler: (error: Error) => void): void;
  on(
    event: "opentag",
    handler: (tag: { readonly name: string; readonly attributes: Readonly<Record<string, string>> }) => void,
  ): void;
  write(text: string): XmlParser;
  close(): void;
}

const { SaxesParser } = createRequire(import.meta.url)("saxes") as { readonly SaxesParser: new () => XmlParser };

/** Counts elements and keeps the last one's attributes, by name. Strict: what is no well-formed XML 1.0 throws. */
export function readXml(text: string): {
  readonly counts: Readonly<Record<string, number>>;
  readonly attributes: Readonly<Record<string, Readonly<Record<string, string>>>>;
} {
  const counts: Record<string, number> = {};
  const attributes: Record<string, Readonly<Record<string, string>>> = {};
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes: found }) => {
    counts[name] = (counts[name] ?? 0) + 1;
    attributes[name] = found;
  });
  parser.write(text).close();
  return { counts, attributes };
}
