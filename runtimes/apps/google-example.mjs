// The framework's own server around the function of an example; its command binds every address. argv: the file that
// package.json names as main, and the function's name.

import { pathToFileURL } from "node:url";
import { getTestServer } from "@google-cloud/functions-framework/testing";

await import(pathToFileURL(process.argv[2]).href);
const server = getTestServer(process.argv[3]).listen(0, "127.0.0.1", () =>
  console.log(`listening on http://127.0.0.1:${server.address().port}/`),
);
