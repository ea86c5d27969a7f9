import { connect } from "node:net";
import type { Carrier } from "@durable-workflow/engine-protocol/executor-config";
import type { NetworkGuard } from "../net/guard.js";

/** Whether a carrier can be connected to; nothing is sent. A process can always be tried. False once called off. */
export function canConnect(
  carrier: Carrier,
  guard: NetworkGuard,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  if (carrier.type === "process") return Promise.resolve(true);
  const url = new URL(carrier.url);
  try {
    guard.checkUrl(url);
  } catch {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
    const socket = connect({ host, port, lookup: guard.lookup, timeout: timeoutMs, signal });
    const answer = (reached: boolean) => (): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.once("connect", answer(true));
    socket.once("timeout", answer(false));
    socket.once("error", answer(false));
  });
}
