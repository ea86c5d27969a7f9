import { connect, createServer, type Socket } from "node:net";
import { type Loopback, listen } from "./loopback.js";

export type Fault =
  | "cut_before" // the request never arrives
  | "cut_inside" // half of it does
  | "cut_after" // it arrives, and its answer finds nobody
  | "delay"
  | "duplicate" // it arrives twice; the second answer goes nowhere
  | "truncate" // half of the answer comes back
  | "drop"; // none of it does

const REQUEST_FAULTS: readonly Fault[] = ["cut_before", "cut_inside", "cut_after", "delay", "duplicate"];
const ANSWER_FAULTS: readonly Fault[] = ["truncate", "drop", "delay"];

/** Pseudo-random numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface FaultProxy extends Loopback {
  /** How often each fault was done. */
  readonly counts: Readonly<Record<Fault, number>>;
  /** Does harm to this share of what passes from now on. */
  harm(rate: number): void;
  /** Lets everything through from now on. */
  heal(): void;
  /** Cuts every connection, and each new one at once, until it is mended. */
  sever(isSevered: boolean): void;
}

/** A TCP proxy on loopback that does harm to a share of what passes, in both directions. */
export async function startFaultProxy(port: number, rate: number, random: () => number): Promise<FaultProxy> {
  const counts = { cut_before: 0, cut_inside: 0, cut_after: 0, delay: 0, duplicate: 0, truncate: 0, drop: 0 };
  let share = rate;
  let isCut = false;
  const open = new Set<Socket>();
  const pick = (faults: readonly Fault[]): Fault | "none" => {
    const fault = random() < share ? faults[Math.floor(random() * faults.length)] : undefined;
    if (fault === undefined) return "none";
    counts[fault]++;
    return fault;
  };
  const delayMs = (): number => Math.floor(random() * 120);

  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    open.add(client);
    client.once("close", () => open.delete(client));
    const upstream = connect(port, "127.0.0.1");
    const both = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", both);
      socket.on("close", both);
    }
    client.on("data", (chunk) => forwardRequest(chunk, client, upstream, both));
    upstream.on("data", (chunk) => {
      // The other faults are for requests.
      // oxlint-disable-next-line typescript/switch-exhaustiveness-check
      switch (pick(ANSWER_FAULTS)) {
        case "truncate":
          client.write(chunk.subarray(0, chunk.length >> 1), both);
          break;
        case "drop":
          both();
          break;
        case "delay":
          later(upstream, delayMs(), () => client.write(chunk));
          break;
        default:
          client.write(chunk);
      }
    });
  });

  function forwardRequest(chunk: Buffer, client: Socket, upstream: Socket, both: () => void): void {
    // The other faults are for answers.
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check
    switch (pick(REQUEST_FAULTS)) {
      case "cut_before":
        both();
        break;
      case "cut_inside":
        upstream.write(chunk.subarray(0, chunk.length >> 1), both);
        break;
      case "cut_after":
        upstream.write(chunk, () => {
          upstream.removeAllListeners("data");
          upstream.resume();
          client.removeAllListeners("close");
          client.destroy();
          setTimeout(both, 50);
        });
        break;
      case "delay":
        later(client, delayMs(), () => upstream.write(chunk));
        break;
      case "duplicate":
        upstream.write(chunk);
        sendAlone(port, chunk);
        break;
      default:
        upstream.write(chunk);
    }
  }

  const loopback = await listen(server);
  const harm = (next: number): void => void (share = next);
  const sever = (isSevered: boolean): void => {
    isCut = isSevered;
    if (isCut) for (const socket of open) socket.destroy();
  };
  return { ...loopback, counts, harm, heal: () => harm(0), sever };
}

/** Holds a socket back for a while, so that what follows stays in order. */
function later(socket: Socket, ms: number, action: () => void): void {
  socket.pause();
  setTimeout(() => {
    action();
    socket.resume();
  }, ms);
}

/** Sends bytes over a connection of their own, and lets whatever comes back go to nowhere. */
function sendAlone(port: number, chunk: Buffer): void {
  const again = connect(port, "127.0.0.1", () => again.write(chunk));
  again.on("error", () => undefined);
  again.resume();
  setTimeout(() => again.destroy(), 300).unref();
}
