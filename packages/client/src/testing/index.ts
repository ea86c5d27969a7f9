/** A client for tests, without an engine. */
export { type FakeCall, type FakeClient, type FakeClientOptions, fakeClient } from "./fake-client.js";
