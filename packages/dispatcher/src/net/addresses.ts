import { BlockList, isIPv4, isIPv6 } from "node:net";

/** What kind of place an IP address is. */
export type AddressKind =
  | "loopback"
  | "link_local"
  | "metadata" // a cloud's credentials for this machine
  | "unspecified" // 0.0.0.0 and ::, which mean this machine
  | "private"
  | "unknown" // a name that only a proxy can look up
  | "special" // multicast, broadcast, documentation, reserved
  | "public";

type Range = readonly [network: string, prefix: number];

const RANGES: readonly (readonly [AddressKind, readonly Range[]])[] = [
  // Link-local ones are refused as such; these lie in ranges that are otherwise allowed.
  [
    "metadata",
    [
      ["100.100.100.200", 32],
      ["192.0.0.192", 32],
      ["168.63.129.16", 32],
      ["fd00:ec2::254", 128],
      ["fd20:ce::254", 128],
    ],
  ],
  [
    "loopback",
    [
      ["127.0.0.0", 8],
      ["::1", 128],
    ],
  ],
  [
    "unspecified",
    [
      ["0.0.0.0", 8],
      ["::", 128],
    ],
  ],
  [
    "link_local",
    [
      ["169.254.0.0", 16],
      ["fe80::", 10],
    ],
  ],
  [
    "private",
    [
      ["10.0.0.0", 8],
      ["172.16.0.0", 12],
      ["192.168.0.0", 16],
      ["100.64.0.0", 10],
      ["fc00::", 7],
      ["fec0::", 10],
      // NAT64 of a network's own: where it leads is that network's to say.
      ["64:ff9b:1::", 48],
    ],
  ],
  [
    "special",
    [
      ["192.0.0.0", 24],
      ["192.0.2.0", 24],
      ["198.18.0.0", 15],
      ["198.51.100.0", 24],
      ["203.0.113.0", 24],
      ["224.0.0.0", 4],
      ["240.0.0.0", 4],
      ["ff00::", 8],
      ["2001:db8::", 32],
    ],
  ],
];

const LISTS = RANGES.map(([kind, ranges]) => {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, isIPv4(network) ? "ipv4" : "ipv6");
  return [kind, list] as const;
});

/** Judges an IP address; an IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged by itself. */
export function addressKind(address: string): AddressKind {
  const embedded = isIPv6(address) ? embeddedIPv4(address) : undefined;
  const judged = embedded ?? address;
  const family = isIPv4(judged) ? "ipv4" : isIPv6(judged) ? "ipv6" : undefined;
  // A text that is not an address leads nowhere.
  if (family === undefined) return "special";
  return LISTS.find(([, list]) => list.check(judged, family))?.[0] ?? "public";
}

function embeddedIPv4(address: string): string | undefined {
  const groups = expand(address);
  const prefix = groups.slice(0, 6).join(":");
  if (prefix === "0:0:0:0:0:ffff" || prefix === "64:ff9b:0:0:0:0" || prefix === "0:0:0:0:ffff:0") {
    return dotted(groups[6], groups[7]);
  }
  // ::a.b.c.d, deprecated; :: and ::1 are not of this kind.
  if (prefix === "0:0:0:0:0:0" && groups[6] !== "0") return dotted(groups[6], groups[7]);
  return groups[0] === "2002" ? dotted(groups[1], groups[2]) : undefined;
}

/** The eight groups of an IPv6 address, without leading zeros. */
function expand(address: string): readonly string[] {
  const [plain = ""] = address.toLowerCase().split("%");
  const hex = plain.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) => {
    return `${pair(a, b)}:${pair(c, d)}`;
  });
  const [head = "", tail] = hex.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].map((group) => group.replace(/^0+(?=.)/, ""));
}

/** Two bytes in decimal as one group. */
function pair(high: string, low: string): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}

function dotted(high = "0", low = "0"): string {
  const [left, right] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `${left >> 8}.${left & 255}.${right >> 8}.${right & 255}`;
}
