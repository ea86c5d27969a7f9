import type { Manifest } from "./packed.js";

const OURS = /^@durable-workflow\//;

/** The lowest version that a range allows: of `^9.0.0 || ^10.0.0` and of `>=9` it is 9.0.0. */
export function lowestOf(range: string): string {
  const [, text] = /^(?:\^|~|>=)?(\d+(?:\.\d+){0,2})(?: |$)/.exec(range) ?? [];
  if (text === undefined) throw new Error(`${range}: what is the lowest version that it allows?`);
  return [...text.split("."), "0", "0"].slice(0, 3).join(".");
}

/** What a package from elsewhere is wanted in, by its name, in the lowest version of each range. */
export function lowest(ranges: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  const others = Object.entries(ranges ?? {}).filter(([name]) => !OURS.test(name));
  return Object.fromEntries(others.map(([name, range]) => [name, lowestOf(range)]));
}

/** For npm: what each of our packages brings, in the lowest version. */
export function lowestOverrides(manifests: readonly Manifest[]): Readonly<Record<string, Record<string, string>>> {
  return Object.fromEntries(
    manifests
      .map(({ name, dependencies }) => [name, { ...lowest(dependencies) }] as const)
      .filter(([, own]) => Object.keys(own).length > 0),
  );
}
