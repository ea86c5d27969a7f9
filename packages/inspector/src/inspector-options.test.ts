import { expect, it } from "vitest";
import { createInspector, createViews, type InspectorOptions } from "./index.js";

const given: InspectorOptions = {
  transport: { send: () => Promise.reject(new Error("not asked")) } as never,
  engineUrl: "http://127.0.0.1:1",
  namespace: "default",
  servedBy: "ui",
  parseArguments: () => [],
};

it.each([
  [{ isReadonly: true }, /^the inspector: there is no option "isReadonly"; there are transport, .*isReadOnly/],
  [{ isReadOnly: "no" }, /^isReadOnly must be a boolean$/],
  [{ servedBy: "you" }, /^servedBy must be one of dev, engine, ui$/],
])("%j is refused", (wrong, told) => {
  for (const make of [createInspector, createViews]) {
    expect(() => make({ ...given, ...wrong } as InspectorOptions)).toThrow(TypeError);
    expect(() => make({ ...given, ...wrong } as InspectorOptions)).toThrow(told);
  }
});
