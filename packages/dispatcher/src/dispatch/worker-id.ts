import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

/** A name that no other registration has: host name, process id and a random part. */
export function newWorkerId(): string {
  return `${hostname()}-${process.pid}-${randomBytes(4).toString("hex")}`;
}

/** @throws {TypeError} for what engines do not take as a name */
export function checkWorkerId(workerId: string | undefined): void {
  if (workerId !== undefined && !/^[!-~]{1,200}$/.test(workerId)) {
    throw new TypeError("workerId must be 1 to 200 visible ASCII characters without spaces");
  }
}
