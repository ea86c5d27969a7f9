const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** A ULID in lower case, as engines make them: 48 bits of time, 80 of chance. */
export function ulid(now: number): string {
  let time = "";
  for (let left = now, count = 0; count < 10; count++) {
    time = DIGITS.charAt(left % 32) + time;
    left = Math.floor(left / 32);
  }
  let chance = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) chance += DIGITS.charAt(byte % 32);
  return time + chance;
}
