import { expect, it } from "vitest";
import { type AddressKind, addressKind } from "./addresses.js";
import { AddressRefusedError, NetworkGuard } from "./guard.js";

it.each<[string, AddressKind]>([
  ["fd20:ce::254", "metadata"],
  // A network's own NAT64 prefix may lead to its loopback, or its metadata service.
  ["64:ff9b:1::a9fe:a9fe", "private"],
  ["64:ff9b:1:ffff:ffff:ffff:7f00:1", "private"],
])("%s is %s", (address, kind) => {
  expect(addressKind(address)).toBe(kind);
});

const REFUSED_WITH_PRIVATE_NETWORKS = ["240.0.0.1", "198.18.0.1", "192.0.0.8", "64:ff9b:1::808:808", "10.0.0.1"];

it.each(REFUSED_WITH_PRIVATE_NETWORKS)("%s is refused where private networks are", (address) => {
  const url = new URL(`https://${address.includes(":") ? `[${address}]` : address}/`);
  expect(() => new NetworkGuard({ denyPrivateNetworks: true }).checkUrl(url)).toThrow(AddressRefusedError);
  expect(() => new NetworkGuard({ denyPrivateNetworks: false }).checkUrl(url)).not.toThrow();
});
