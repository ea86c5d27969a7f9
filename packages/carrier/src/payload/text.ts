/** In Unicode mode a pair is one character, so that only halves match. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Not in every runtime of this library's age: Node has it from version 20 on. */
const nativeIsWellFormed: ((this: string) => boolean) | undefined = Reflect.get(String.prototype, "isWellFormed");

/** False when the text holds half of a surrogate pair, which UTF-8 cannot express. */
export function isWellFormed(text: string): boolean {
  return nativeIsWellFormed === undefined ? !LONE_SURROGATE.test(text) : nativeIsWellFormed.call(text);
}
