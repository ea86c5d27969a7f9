// Four activities alike, for as many carriers.
const greet = (name) => `Hello, ${name}`;

export { greet as greet1, greet as greet2, greet as greet3, greet as greet4 };
