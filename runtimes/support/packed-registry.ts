import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Manifest, publishedManifests, runIn } from "./packed.js";

const root = new URL("../../", import.meta.url);

interface Packed {
  readonly manifest: Manifest;
  readonly filename: string;
  readonly tarball: Uint8Array;
}

/**
 * A registry of our packages, as they would be published: package managers ask it for what is in our scope, and their own
 * registry for all else. It says of each package what its `package.json` says.
 */
export class PackedRegistry {
  private readonly packed: ReadonlyMap<string, Packed>;
  private readonly server: Server;

  private constructor(packed: readonly Packed[]) {
    this.packed = new Map(packed.map((one) => [one.manifest.name, one]));
    this.server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? "").slice(1);
      const tarball = packed.find(({ filename }) => path === filename)?.tarball;
      const text = tarball === undefined ? this.packument(path) : undefined;
      response.writeHead(tarball === undefined && text === undefined ? 404 : 200).end(tarball ?? text ?? "{}");
    });
  }

  /** Packs the packages, which have to be built, into a folder. */
  static async open(folder: string): Promise<PackedRegistry> {
    mkdirSync(folder, { recursive: true });
    const packed = publishedManifests().map((manifest): Packed => {
      const pack = ["pack", "--json", "--pack-destination", folder, "--workspace", manifest.name];
      const report = JSON.parse(runIn(root, "npm", pack)) as Readonly<Record<string, { readonly filename: string }>>;
      // npm 11 and older list packages, newer ones name them.
      const filename = Object.values(report)[0]?.filename ?? "";
      return { manifest, filename, tarball: readFileSync(join(folder, filename)) };
    });
    const registry = new PackedRegistry(packed);
    await new Promise<void>((resolve) => {
      registry.server.listen(0, "127.0.0.1", resolve);
    });
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  get manifests(): readonly Manifest[] {
    return [...this.packed.values()].map(({ manifest }) => manifest);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private packument(name: string): string | undefined {
    const one = this.packed.get(name);
    if (one === undefined) return undefined;
    const { version } = one.manifest;
    const integrity = `sha512-${createHash("sha512").update(one.tarball).digest("base64")}`;
    const dist = { tarball: this.url + one.filename, integrity };
    return JSON.stringify({
      name,
      "dist-tags": { latest: version },
      versions: { [version]: { ...one.manifest, dist } },
    });
  }
}
