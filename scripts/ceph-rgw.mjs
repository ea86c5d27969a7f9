// node scripts/ceph-rgw.mjs: an S3 to test against, on this machine: one Ceph monitor, one OSD that keeps all in memory
// (1 GiB at most) and one RADOS gateway, on loopback ports of their own. Prints one line of JSON when it is up:
// {"endpoint", "region", "accessKeyId", "secretAccessKey"}. Everything ends, and its folder goes, when standard input
// closes: also when whoever started it is killed. Wants Debian's ceph-mon, ceph-osd, ceph-common and radosgw.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAMS = ["ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin", "setpriv"];
const missing = PROGRAMS.filter((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).error !== undefined);
if (missing.length > 0) {
  console.error(`missing: ${missing.join(", ")}; scripts/install-test-servers.sh installs them on Debian`);
  process.exit(3);
}

const folder = mkdtempSync(join(tmpdir(), "carrier-ceph-"));
const daemons = [];
let ending = false;

function end(status) {
  if (ending) return;
  ending = true;
  // The gateway first: it waits for the others when they are gone before it.
  for (const daemon of daemons.toReversed()) daemon.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit(status);
}
process.stdin.resume().on("close", () => end(0));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(0));

function fail(message) {
  console.error(message);
  end(1);
}

/** Starts a daemon that stays in the foreground, and dies with this process even if that is killed outright. */
function start(name, args) {
  const command = ["--pdeathsig", "KILL", name, ...args, "--conf", conf];
  const daemon = spawn("setpriv", command, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  daemon.stderr.setEncoding("utf8").on("data", (text) => (said = (said + text).slice(-4096)));
  daemon.on("close", (status) => ending || fail(`${name} ended with status ${status}: ${said}`));
  daemons.push(daemon);
}

function run(name, args) {
  const { status, stdout, stderr } = spawnSync(name, ["--conf", conf, ...args], { encoding: "utf8", timeout: 60_000 });
  if (status !== 0) fail(`${name} ${args.join(" ")} failed: ${stderr}`);
  return stdout;
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const [monitorPort, gatewayPort] = await freePorts(2);
const conf = join(folder, "ceph.conf");
const fsid = randomUUID();
const monitor = `[v2:127.0.0.1:${monitorPort}]`;
for (const name of ["mon", "osd", "run"]) mkdirSync(join(folder, name));
writeFileSync(
  conf,
  `[global]
fsid = ${fsid}
mon host = ${monitor}
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
run dir = ${folder}/run
admin socket = ${folder}/run/$name.$pid.asok
pid file = ${folder}/run/$name.pid
mon data = ${folder}/mon
osd data = ${folder}/osd
keyring = /dev/null
log file = ${folder}/$name.log
mon cluster log file = ${folder}/cluster.log
log flush on exit = false
osd objectstore = memstore
memstore device bytes = 1073741824
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
paxos propose interval = 0.05
paxos min wait = 0.01
mon allow pool size one = true
mon max pg per osd = 1000
ms bind ipv6 = false
ms cluster mode = crc
ms service mode = crc
ms client mode = crc
ms mon cluster mode = crc
ms mon service mode = crc
ms mon client mode = crc

[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}
rgw enable usage log = false
rgw enable quota threads = false
rgw enable gc threads = false
rgw enable lc threads = false
rgw dynamic resharding = false
`,
);

const monmap = join(folder, "monmap");
run("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", monitor, monmap]);
run("ceph-mon", ["--mkfs", "--id", "a", "--monmap", monmap]);
start("ceph-mon", ["-f", "--id", "a"]);
const osd = randomUUID();
run("ceph", ["osd", "new", osd]);
run("ceph-osd", ["--mkfs", "--id", "0", "--osd-uuid", osd]);
start("ceph-osd", ["-f", "--id", "0"]);
// Hex: a secret that begins with a dash would be taken for an option.
const [accessKeyId, secretAccessKey] = [10, 30].map((size) => randomBytes(size).toString("hex"));
const user = `--uid carrier --display-name carrier --access-key ${accessKeyId} --secret-key ${secretAccessKey}`;
run("radosgw-admin", `--name client.rgw user create ${user}`.split(" "));
start("radosgw", ["-f", "--name", "client.rgw"]);

const endpoint = `http://127.0.0.1:${gatewayPort}`;
const deadline = Date.now() + 60_000;
for (;;) {
  try {
    await fetch(endpoint);
    break;
  } catch {
    if (Date.now() > deadline) fail("the gateway does not answer");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
console.log(JSON.stringify({ endpoint, region: "default", accessKeyId, secretAccessKey }));
