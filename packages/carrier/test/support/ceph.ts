import { spawnSync } from "node:child_process";
import { type ChildServer, startChildServer } from "./child-server.js";

export interface CephRgw {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const missing = ["ceph", "ceph-mon", "ceph-osd", "radosgw"].filter(
  (program) => spawnSync(program, ["--version"], { stdio: "ignore" }).error !== undefined,
);

/** Why there is no S3 to test against on this machine, and what to do about it; undefined when there is. */
export const cephMissing =
  missing.length === 0
    ? undefined
    : `left out: no ${missing.join(", ")} on this machine; install them with scripts/install-test-servers.sh (Debian), then npm test -- s3`;

/** Starts an S3 of our own: a Ceph gateway that holds its data in memory. */
export async function startCephRgw(): Promise<ChildServer & { readonly rgw: CephRgw }> {
  const server = await startChildServer(new URL("../../../../scripts/ceph-rgw.mjs", import.meta.url), /^\{"endpoint"/);
  return { ...server, rgw: JSON.parse(server.line) as CephRgw };
}
