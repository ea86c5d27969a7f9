import { connect } from "node:net";
import type { Carrier } from "@durable-workflow/engine-protocol/executor-config";
import type { NetworkGuard } from "../net/guard.js";
import type { Proxies } from "../net/proxies.js";

export interface ProbeOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly proxies?: Proxies | undefined;
}

/**
 * Whether a carrier can be connected to; nothing is sent. A process can always be tried. False once called off. Behind a
 * proxy, whether that can be connected to: what is behind it shows with the task that is tried then.
 */
export function canConnect(
  carrier: Carrier,
  guard: NetworkGuard,
  { timeoutMs, signal, proxies }: ProbeOptions,
): Promise<boolean> {
  if (carrier.type === "process") return Promise.resolve(true);
  const url = new URL(carrier.url);
  try {
    guard.checkUrl(url);
  } catch {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const proxy = proxies?.proxyFor(url);
    const target = proxy ?? url;
    const host = target.hostname.replace(/^\[(.*)\]$/, "$1");
    const port = target.port === "" ? (target.protocol === "https:" ? 443 : 80) : Number(target.port);
    const lookup = proxy === undefined ? { lookup: guard.lookup } : {};
    const socket = connect({ host, port, ...lookup, timeout: timeoutMs });
    const answer = (reached: boolean) => (): void => {
      signal.removeEventListener("abort", calledOff);
      socket.destroy();
      resolve(reached);
    };
    // Not as an option of the connection, which would listen for as long as there is the signal: that of a breaker has many.
    const calledOff = answer(false);
    if (signal.aborted) calledOff();
    signal.addEventListener("abort", calledOff, { once: true });
    socket.once("connect", answer(true));
    socket.once("timeout", answer(false));
    socket.once("error", answer(false));
  });
}
