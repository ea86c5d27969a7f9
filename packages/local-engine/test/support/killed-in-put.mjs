// An engine whose storage driver ends the process before or after it has stored something: argv is the database, the folder
// of the store, and when. Prints its port.
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { createLocalEngine } from "@durable-workflow/local-engine";

const [file, root, when] = process.argv.slice(2);
class KilledInPut extends LocalFilesystemExternalStorage {
  async put(data, options) {
    if (when === "after") await super.put(data, options);
    process.kill(process.pid, "SIGKILL");
    await new Promise(() => {});
    return "";
  }
}
const engine = createLocalEngine({ file, payloads: { storage: new KilledInPut({ root }) } });
const { port } = await engine.listen();
process.stdout.write(`${port}\n`);
