import { expect, it } from "vitest";
import type { ExternalStorageDriver } from "../../src/storage/driver.js";
import { deleteExternalPayload, fetchExternalPayload, storeExternalPayload } from "../../src/storage/transfer.js";
import { BLOB, BLOB_BYTES, longText, referenceTo, sha256 } from "./stored-payloads.js";

/** A driver before a real server, and ways around it. */
export interface StorageUnderTest {
  readonly driver: ExternalStorageDriver;
  /** What URIs of its own start with, the prefix included. */
  readonly base: string;
  /** A driver of the same store with credentials that it does not accept; undefined where there are none. */
  readonly withWrongSecret?: ExternalStorageDriver;
  /** A driver of a store at an address that nobody listens at. */
  readonly unreachable?: ExternalStorageDriver;
  /** Writes any bytes under a URI, without the driver. */
  overwrite(uri: string, data: Uint8Array): Promise<void>;
  /** What the store knows of an object besides its bytes; undefined where stores know nothing. */
  describe?(uri: string): Promise<{ readonly contentType: string | undefined; readonly metadata: unknown }>;
}

const errorOf = async (promise: Promise<unknown>): Promise<Record<string, unknown>> => {
  const error: unknown = await promise.then(
    () => expect.unreachable("it should have failed"),
    (reason: unknown) => reason,
  );
  const { name, code, check, expected, received, message } = error as Record<string, unknown>;
  return { name, code, check, expected, received, message };
};

/** What holds for every driver, in tests of the suite that it is called in. */
export function itStoresPayloads(under: () => StorageUnderTest): void {
  it("stores under the content's hash and reads back", async () => {
    const { driver, base } = under();
    const reference = await storeExternalPayload(driver, BLOB);
    const hash = sha256(BLOB);
    expect(reference).toEqual(referenceTo(`${base}avro/${hash.slice(0, 2)}/${hash}`));
    expect(driver.accepts?.(reference.uri)).toBe(true);
    await expect(fetchExternalPayload(driver, reference)).resolves.toBe(BLOB);
  });

  it("stores the same again without an error, and the empty payload", async () => {
    const { driver } = under();
    for (const blob of [BLOB, ""]) {
      const first = await storeExternalPayload(driver, blob);
      await expect(storeExternalPayload(driver, blob)).resolves.toEqual(first);
      await expect(fetchExternalPayload(driver, first)).resolves.toBe(blob);
    }
  });

  it("stores one payload many times at once", async () => {
    const { driver } = under();
    const blob = longText(200_000);
    const references = await Promise.all(Array.from({ length: 6 }, () => storeExternalPayload(driver, blob)));
    expect(new Set(references.map(({ uri }) => uri)).size).toBe(1);
    await expect(fetchExternalPayload(driver, references[0]!)).resolves.toBe(blob);
  });

  it("labels what it stores", async () => {
    const { driver, ...store } = under();
    const { uri } = await storeExternalPayload(driver, longText(64));
    if (store.describe === undefined) return;
    const metadata = { sha256: sha256(longText(64)), codec: "avro" };
    await expect(store.describe(uri)).resolves.toEqual({ contentType: "application/octet-stream", metadata });
  });

  it("reads objects that others named", async () => {
    const { driver, base, ...store } = under();
    for (const name of [sha256(BLOB), "storage-test/97/of others", "a%2e/b+c&d=ä"]) {
      const uri = base.startsWith("file:") ? new URL(base + encodeURI(name)).href : base + name;
      await store.overwrite(uri, BLOB_BYTES);
      await expect(fetchExternalPayload(driver, referenceTo(uri))).resolves.toBe(BLOB);
    }
  });

  it("says that an object is not there", async () => {
    const { driver, base } = under();
    const reference = referenceTo(`${base}avro/00/missing`);
    await expect(errorOf(fetchExternalPayload(driver, reference))).resolves.toMatchObject({
      name: "ExternalStorageError",
      code: "not_found",
    });
  });

  it("refuses truncated, extended and altered objects", async () => {
    const { driver, ...store } = under();
    const reference = await storeExternalPayload(driver, `${BLOB}${longText(300_000)}`);
    const intact = new TextEncoder().encode(`${BLOB}${longText(300_000)}`);
    const altered = intact.slice();
    altered[150_000]! ^= 1;
    for (const [data, check] of [
      [intact.subarray(0, intact.length - 1), "size"],
      [new Uint8Array(), "size"],
      [new Uint8Array([...intact, 65]), "size"],
      [altered, "sha256"],
    ] as const) {
      await store.overwrite(reference.uri, data);
      await expect(errorOf(fetchExternalPayload(driver, reference))).resolves.toMatchObject({
        name: "ExternalPayloadIntegrityError",
        check,
        expected: check === "size" ? String(intact.length) : reference.sha256,
      });
    }
    await store.overwrite(reference.uri, intact);
    await expect(fetchExternalPayload(driver, reference)).resolves.toHaveLength(intact.length);
  });

  it("deletes, and deletes again", async () => {
    const { driver } = under();
    const reference = await storeExternalPayload(driver, longText(99));
    await deleteExternalPayload(driver, reference);
    await expect(errorOf(fetchExternalPayload(driver, reference))).resolves.toMatchObject({ code: "not_found" });
    await deleteExternalPayload(driver, reference);
  });

  it("ends on an aborted signal with its reason", async () => {
    const { driver } = under();
    const reference = await storeExternalPayload(driver, BLOB);
    const reason = new Error("the deadline passed");
    const signal = AbortSignal.abort(reason);
    await expect(storeExternalPayload(driver, longText(77), { signal })).rejects.toBe(reason);
    await expect(fetchExternalPayload(driver, reference, { signal })).rejects.toBe(reason);
    await expect(deleteExternalPayload(driver, reference, { signal })).rejects.toBe(reason);
    await expect(driver.get(reference.uri, { sizeBytes: reference.sizeBytes, signal })).rejects.toBe(reason);
    await expect(fetchExternalPayload(driver, reference)).resolves.toBe(BLOB);
  });

  it("ends in the middle of a transfer", async () => {
    const { driver } = under();
    const blob = longText(8_000_000);
    const reference = await storeExternalPayload(driver, blob);
    for (const start of [
      (signal: AbortSignal) => fetchExternalPayload(driver, reference, { signal }),
      (signal: AbortSignal) => storeExternalPayload(driver, `${blob}=`, { signal }),
    ]) {
      const controller = new AbortController();
      const reason = new Error("the deadline passed");
      const transfer = start(controller.signal);
      const outcome = expect(transfer).rejects.toBe(reason);
      // Not before the hashing is done and the request is out.
      setTimeout(() => controller.abort(reason), 3);
      await outcome.catch(() => {
        // So fast that it was done by then: then it is whole.
        return expect(transfer).resolves.toBeTruthy();
      });
    }
    await expect(fetchExternalPayload(driver, reference)).resolves.toBe(blob);
  });

  it("is refused with a wrong secret, without showing it", async () => {
    const { withWrongSecret, driver } = under();
    if (withWrongSecret === undefined) return;
    const reference = await storeExternalPayload(driver, BLOB);
    for (const attempt of [
      () => fetchExternalPayload(withWrongSecret, reference),
      () => storeExternalPayload(withWrongSecret, longText(55)),
      () => deleteExternalPayload(withWrongSecret, reference),
    ]) {
      const error = await errorOf(attempt());
      expect(error).toMatchObject({ name: "ExternalStorageError", code: "access_denied" });
      expect(JSON.stringify(error)).not.toMatch(/secret|http|127\.0\.0\.1/i);
    }
  });

  it("says that a store cannot be reached", async () => {
    const { unreachable, base } = under();
    if (unreachable === undefined) return;
    for (const attempt of [
      () => fetchExternalPayload(unreachable, referenceTo(`${base}avro/00/any`)),
      () => storeExternalPayload(unreachable, BLOB),
    ]) {
      const error = await errorOf(attempt());
      expect(error).toMatchObject({ name: "ExternalStorageError", code: "unavailable" });
      expect(error["message"]).toMatch(/ \(ECONNREFUSED\)\.$/);
      expect(JSON.stringify(error)).not.toMatch(/http|127\.0\.0\.1/i);
    }
  });

  it("transfers 64 MiB", async () => {
    const { driver } = under();
    const blob = longText(64 * 1024 * 1024);
    const reference = await storeExternalPayload(driver, blob);
    expect(reference.sizeBytes).toBe(67_108_864);
    // Not compared by vitest, which would print both.
    expect((await fetchExternalPayload(driver, reference)) === blob).toBe(true);
    await deleteExternalPayload(driver, reference);
  });
}
