// One job of storage.mjs in a process of its own; prints its peak of resident memory in bytes, and what else it found.
import { decodeAvroValue, encodeAvroValue } from "@durable-workflow/carrier/payload";
import { fetchExternalPayload, storeExternalPayload } from "@durable-workflow/carrier/storage";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";

const [root, job, argument] = process.argv.slice(2);
const driver = new LocalFilesystemExternalStorage({ root });
/** A blob of this length: 10 bytes of frame, one of branch, and the length take the rest. */
const blobOf = (length) => encodeAvroValue("x".repeat((length / 4) * 3 - 15));

const found = {};
switch (job) {
  case "store":
    found.reference = await storeExternalPayload(driver, blobOf(Number(argument)));
    break;
  case "store-again": {
    const { sizeBytes } = JSON.parse(argument);
    await storeExternalPayload(driver, "A".repeat(sizeBytes));
    break;
  }
  case "fetch":
    found.length = (await fetchExternalPayload(driver, JSON.parse(argument))).length;
    break;
  case "decode":
    found.length = /** @type {string} */ (
      decodeAvroValue(await fetchExternalPayload(driver, JSON.parse(argument)))
    ).length;
    break;
}
console.log(JSON.stringify({ peak: process.resourceUsage().maxRSS * 1024, ...found }));
