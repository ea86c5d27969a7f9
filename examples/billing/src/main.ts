import { resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { EXTERNAL_TASK_INPUT_MEDIA_TYPE } from "@durable-workflow/carrier";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { startBillingCarrier } from "./carrier.js";
import { runDemo } from "./demo.js";
import { palette } from "./report.js";

const HELP = `Starts the billing carrier on loopback, sends it tasks as a dispatcher would, and leaves it running.

Usage: npm start [-- OPTIONS]

  --once         exit when the tasks are done
  --port NUMBER  listen there; default 8787, or a free port when that one is taken
  --storage local
                 keep large payloads in files below .dw/payloads, and answer with a reference
  --help         show this`;

const { values } = parseArgs({
  options: {
    once: { type: "boolean", default: false },
    port: { type: "string", default: "8787" },
    storage: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`--port must be a number from 0 to 65535, got ${values.port}`);
  process.exit(2);
}

if (values.storage !== undefined && values.storage !== "local") {
  console.error(`--storage must be local, got ${values.storage}`);
  process.exit(2);
}
const storage =
  values.storage === undefined ? undefined : new LocalFilesystemExternalStorage({ root: resolve(".dw", "payloads") });

const colours = palette(process.stdout.isTTY && process.env["NO_COLOR"] === undefined);
const carrier = await startBillingCarrier({ port, storage });
console.log(`\nThe billing carrier listens on ${colours.bold(carrier.url)}\n`);
await runDemo(carrier, colours, (text) => {
  console.log(text);
});

if (values.once) {
  await carrier.close();
} else {
  console.log(`It keeps running; send it a task of your own, and stop it with Ctrl-C:\n
  curl -s ${carrier.url} -H 'content-type: ${EXTERNAL_TASK_INPUT_MEDIA_TYPE}' --data-binary @examples/billing/task.json
`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      void carrier.close();
    });
  }
}
