import { connect, createServer } from "node:net";
import { carrierUrl, isLoopbackHost } from "@durable-workflow/engine-protocol/executor-config";
import { listen } from "@durable-workflow/test-support/loopback";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressKind } from "./addresses.js";
import { AddressRefusedError, type GuardOptions, NetworkGuard } from "./guard.js";

describe("addresses", () => {
  it.each([
    ["127.0.0.1", "loopback"],
    ["127.255.0.9", "loopback"],
    ["::1", "loopback"],
    ["0:0:0:0:0:0:0:1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["::ffff:7f00:1", "loopback"],
    ["64:ff9b::127.0.0.1", "loopback"],
    ["2002:7f00:1::", "loopback"],
    ["::7f00:1", "loopback"],
    ["169.254.169.254", "link_local"],
    ["::ffff:169.254.169.254", "link_local"],
    ["fe80::1", "link_local"],
    ["fe80::1%eth0", "link_local"],
    ["fd00:ec2::254", "metadata"],
    ["100.100.100.200", "metadata"],
    ["192.0.0.192", "metadata"],
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "unspecified"],
    ["::", "unspecified"],
    ["10.0.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.0.1", "private"],
    ["100.64.0.1", "private"],
    ["fd12::1", "private"],
    ["::ffff:10.0.0.1", "private"],
    ["172.32.0.1", "public"],
    ["8.8.8.8", "public"],
    ["2606:4700::1111", "public"],
    ["224.0.0.1", "special"],
    ["255.255.255.255", "special"],
    ["ff02::1", "special"],
    ["nonsense", "special"],
    ["", "special"],
  ])("%s is %s", (address, kind) => {
    expect(addressKind(address)).toBe(kind);
  });

  it("judges every IPv4 address alike when it is mapped into IPv6", () => {
    const property = fc.property(fc.ipV4(), (address) => {
      expect(addressKind(`::ffff:${address}`)).toBe(addressKind(address));
    });
    fc.assert(property, { seed: 29_990_601, numRuns: 500 });
  });
});

it.each([
  ["localhost", true],
  ["LOCALHOST", true],
  ["lamps.localhost", true],
  ["localhost.", true],
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["[::1]", true],
  ["localhost.example", false],
  ["127.0.0.1.example", false],
  ["[::ffff:7f00:1]", false],
  ["10.0.0.1", false],
])("the host %s is loopback: %s", (host, isLoopback) => {
  expect(isLoopbackHost(host)).toBe(isLoopback);
});

it.each([
  ["https://lamps.example/", true],
  ["http://localhost:8080/x", true],
  // Read as 127.0.0.1, as every URL parser reads it.
  ["http://0x7f000001/", true],
  ["http://127.1/", true],
  ["http://lamps.example/", false],
  ["http://10.0.0.1/", false],
  ["https://user@lamps.example/", false],
  ["https://:pass@lamps.example/", false],
  ["ftp://lamps.example/", false],
  ["/relative", false],
  ["https://", false],
])("tasks may be sent to %s: %s", (url, allowed) => {
  expect(carrierUrl(url) !== undefined).toBe(allowed);
});

function guard(addresses: readonly string[], options: Partial<GuardOptions> = {}): NetworkGuard {
  return new NetworkGuard({
    denyPrivateNetworks: false,
    lookup: (_, __, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      ),
    ...options,
  });
}

function resolveWith(tested: NetworkGuard, host: string, all = true): Promise<unknown> {
  return new Promise((resolve) => {
    tested.lookup(host, { all }, (error, address) => resolve(error ?? address));
  });
}

describe("names", () => {
  it.each(["127.0.0.1", "::1", "169.254.169.254", "0.0.0.0", "::ffff:169.254.169.254", "fd00:ec2::254"])(
    "that resolve to %s are refused, whatever else they resolve to",
    async (address) => {
      expect(await resolveWith(guard(["8.8.8.8", address]), "lamps.example")).toBeInstanceOf(AddressRefusedError);
    },
  );

  it("of private networks are refused on request", async () => {
    expect(await resolveWith(guard(["10.0.0.1"]), "lamps.example", false)).toBe("10.0.0.1");
    const strict = guard(["10.0.0.1"], { denyPrivateNetworks: true });
    expect(await resolveWith(strict, "lamps.example")).toBeInstanceOf(AddressRefusedError);
  });

  it("of loopback lead to loopback, and nowhere else", async () => {
    expect(await resolveWith(guard(["127.0.0.1"]), "lamps.localhost")).toEqual([{ address: "127.0.0.1", family: 4 }]);
    expect(await resolveWith(guard(["8.8.8.8"]), "localhost")).toBeInstanceOf(AddressRefusedError);
  });

  it("that do not resolve keep their error", async () => {
    const failing = guard([], {
      lookup: (_, __, callback) => callback(Object.assign(new Error("no"), { code: "ENOTFOUND" }), []),
    });
    expect(await resolveWith(failing, "lamps.example")).toMatchObject({ code: "ENOTFOUND" });
  });

  it("are judged by the very address that is connected to", async () => {
    const server = await listen(createServer());
    const connected = (host: string, tested: NetworkGuard): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({ host, port: server.port, lookup: tested.lookup });
        socket.once("connect", () => resolve("connected"));
        socket.once("error", (error) => resolve(error.name));
        socket.once("connect", () => socket.destroy());
      });
    expect(await connected("lamps.localhost", guard(["127.0.0.1"]))).toBe("connected");
    expect(await connected("lamps.example", guard(["127.0.0.1"]))).toBe("AddressRefusedError");
    await server.close();
  });
});

it.each(["https://169.254.169.254/", "https://[::1]/x", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/"])(
  "refuses the address %s in a URL where it is not loopback by name",
  (url) => {
    const parsed = new URL(url);
    if (isLoopbackHost(parsed.hostname)) expect(() => guard([]).checkUrl(parsed)).not.toThrow();
    else expect(() => guard([]).checkUrl(parsed)).toThrow(AddressRefusedError);
  },
);
