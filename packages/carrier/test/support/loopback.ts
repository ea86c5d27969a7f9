export { closedAddress, type Loopback, listen } from "@durable-workflow/test-support/loopback";
