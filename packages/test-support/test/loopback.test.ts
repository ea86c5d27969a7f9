import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { freePort, listen } from "../src/loopback.js";

it("a free port is none that the system gives to others, and is given once", async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
  expect(new Set(ports).size).toBe(50);
  // The ranges of ephemeral ports: from 32,768 on Linux, from 49,152 on macOS and Windows.
  expect(ports.filter((port) => port < 1_024 || port >= 32_768)).toEqual([]);
  for (const port of ports.slice(0, 3)) {
    const server = await listen(createServer(), port);
    onTestFinished(() => server.close());
    expect(server.port).toBe(port);
  }
});
