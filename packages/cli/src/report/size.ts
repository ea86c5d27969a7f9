const UNITS = ["bytes", "KiB", "MiB", "GiB"] as const;

/** A number of bytes as people read it: `812 bytes`, `3.1 MiB`. */
export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${UNITS[unit] ?? ""}`;
}
