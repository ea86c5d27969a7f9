// argv: the engine, and an address that nobody listens at. On Node, Bun and Deno.
import process from "node:process";
import { clientCases } from "./client-cases.mjs";

console.log(JSON.stringify(await clientCases(process.argv[2], process.argv[3])));
process.exit(0);
