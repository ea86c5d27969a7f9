import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExternalStorageDriver } from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { billingActivities } from "./activities.js";
import { PaymentGateway } from "./gateway.js";

export interface BillingCarrier {
  readonly url: string;
  readonly gateway: PaymentGateway;
  /** Whether it has somewhere to put large results. */
  readonly stores: boolean;
  close(): Promise<void>;
}

export interface BillingCarrierOptions {
  /** Default 0: a free one. */
  readonly port?: number;
  /** Where large results go, and large arguments come from. Default: everything travels inline. */
  readonly storage?: ExternalStorageDriver | undefined;
}

/** Starts the carrier on loopback; when the port is taken, on a free one. */
export async function startBillingCarrier({ port = 0, storage }: BillingCarrierOptions = {}): Promise<BillingCarrier> {
  const gateway = new PaymentGateway();
  const options = { carrier: "billing-example", stackTraces: false, externalStorage: storage };
  const server = createServer(nodeInvocableActivityHandler(billingActivities(gateway), options));
  await listen(server, port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE" || port === 0) throw error;
    return listen(server, 0);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    gateway,
    stores: storage !== undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}
