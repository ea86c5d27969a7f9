import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ACTION_HEADER, ACTION_HEADER_VALUE } from "../api/index.js";
import { Problem } from "../problem.js";

const LOOPBACK = /^(?:localhost|(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/** Whether a host name or address, without port, is this machine's own. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.test(host) || host === "::1";
}

/** Who is let in. */
export class Guard {
  /** Of the password; undefined: this machine alone is let in. */
  private readonly digest: Buffer | undefined;

  constructor(password: string | undefined) {
    this.digest = password === undefined ? undefined : digestOf(password);
  }

  /**
   * The checks of every request. Without a password the request must name this machine, by a name that no other can have: a page
   * elsewhere reaches loopback addresses by a name of its own (DNS rebinding). A page of another origin is never let in.
   *
   * @throws {Problem} `forbidden`, or {@link PasswordWanted}
   */
  admit({ headers, headersDistinct }: IncomingMessage, { isPage }: { readonly isPage: boolean }): void {
    const host = headersDistinct["host"] ?? [];
    const name = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(host[0] ?? "")?.[1];
    if (host.length !== 1 || name === undefined || name === "") throw foreign("a request must name one host");
    if (this.digest === undefined && !isLoopbackHost(name)) {
      throw foreign(`${name.slice(0, 100)} is not a name of this machine`);
    }
    const { origin } = headers;
    if (origin !== undefined && !isOwn(origin, host[0] ?? "")) throw foreign("another page asks");
    const site = headers["sec-fetch-site"];
    // A link from elsewhere may open the page, and nothing but the page.
    const isLink = isPage && headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
    if ((site === "cross-site" || site === "same-site") && !isLink) throw foreign("another page asks");
    if (this.digest !== undefined && !this.knows(headers.authorization)) throw new PasswordWanted();
  }

  /**
   * What an action needs beside: a header that neither a form nor a page elsewhere can send without being asked for first, and
   * JSON.
   *
   * @throws {Problem} `forbidden`
   */
  admitAction({ headers }: IncomingMessage): void {
    if (headers[ACTION_HEADER] !== ACTION_HEADER_VALUE) {
      throw new Problem("forbidden", `an action needs the header ${ACTION_HEADER}: ${ACTION_HEADER_VALUE}`);
    }
    const type = (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
    if (type !== "application/json")
      throw new Problem("forbidden", "an action is JSON: content-type: application/json");
  }

  private knows(authorization: string | undefined): boolean {
    const encoded = /^basic +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (encoded === undefined || this.digest === undefined) return false;
    const text = Buffer.from(encoded, "base64").toString("utf8");
    return timingSafeEqual(digestOf(text.slice(text.indexOf(":") + 1)), this.digest);
  }
}

/** The request brings no password, or the wrong one. */
export class PasswordWanted extends Error {
  override readonly name = "PasswordWanted";
}

function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function foreign(why: string): Problem {
  return new Problem("forbidden", `${why}: this page answers itself alone`, {
    hint: "Open it by the URL that the command printed.",
  });
}

function digestOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
