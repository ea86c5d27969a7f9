export { closedAddress, freePort, type Loopback, listen } from "@durable-workflow/test-support/loopback";
