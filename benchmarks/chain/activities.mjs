// What the chain runs: next to nothing.
export const greet = (name) => `Hello, ${name}`;
export const size = (text) => text.length;
