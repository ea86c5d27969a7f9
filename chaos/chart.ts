/** A line of a plot: a value for each minute, undefined where nothing was seen. */
export interface Line {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

const WIDTH = 760;
const PANEL = 150;
const LEFT = 64;
const RIGHT = 150;
const TOP = 28;
const BOTTOM = 22;
/** Told apart by those who do not see all colours, too. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#595959"];

/** Panels over the same minutes, one below the other, as a picture that needs nothing else. */
export function plotOf(panels: readonly Panel[]): string {
  const height = panels.length * PANEL;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...panels.map((panel, place) => panelOf(panel, place * PANEL)),
    "</svg>",
    "",
  ].join("\n");
}

function panelOf({ title, unit, lines }: Panel, top: number): string {
  const minutes = Math.max(1, ...lines.map(({ values }) => values.length));
  const most = roundUp(
    lines.reduce((one, { values }) => values.reduce<number>((other, value) => Math.max(other, value ?? 0), one), 0),
  );
  const [from, to] = [top + TOP, top + PANEL - BOTTOM];
  const x = (minute: number): string => (LEFT + ((minute + 0.5) / minutes) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number): string => (to - (value / most) * (to - from)).toFixed(1);
  const grid = [0, 0.5, 1].map((share) => {
    const value = most * share;
    return `<path d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}" stroke="#dddddd"/><text x="${LEFT - 6}" y="${y(value)}" dy="4" text-anchor="end" fill="#444444">${textOf(value)}</text>`;
  });
  const drawn = lines.map(({ name, values }, place) => {
    const colour = COLOURS[place % COLOURS.length];
    const label = `<text x="${WIDTH - RIGHT + 10}" y="${from + 6 + place * 14}" fill="${colour}">${name}</text>`;
    return `<path d="${pathOf(values, x, y)}" fill="none" stroke="${colour}" stroke-width="1.5"/>${label}`;
  });
  const ends = [0, minutes - 1].map(
    (minute) =>
      `<text x="${x(minute)}" y="${to + 14}" text-anchor="middle" fill="#444444">${minute === 0 ? "minute 1" : minute + 1}</text>`,
  );
  return [
    `<g><text x="${LEFT}" y="${top + 16}" font-weight="bold" fill="#111111">${title}, ${unit}</text>`,
    ...grid,
    ...drawn,
    ...(minutes > 1 ? ends : []),
    "</g>",
  ].join("\n");
}

function pathOf(values: Line["values"], x: (minute: number) => string, y: (value: number) => string): string {
  let isDown = false;
  let path = "";
  values.forEach((value, minute) => {
    // A lone point is a line of no length, with its ends.
    if (value !== undefined) path += `${isDown ? "L" : "M"}${x(minute)} ${y(value)}${isDown ? "" : "h.1"}`;
    isDown = value !== undefined;
  });
  return path;
}

function roundUp(value: number): number {
  if (value <= 0) return 1;
  const step = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((times) => times * step).find((one) => one >= value) ?? value;
}

function textOf(value: number): string {
  return value >= 10_000 ? `${value / 1_000}k` : String(Math.round(value * 10) / 10);
}

const BARS = "▁▂▃▄▅▆▇█";

/** The same in one line of text, from 0 up to the largest. */
export function sparkOf(values: Line["values"]): string {
  const most = values.reduce<number>((one, value) => Math.max(one, value ?? 0), 0);
  return values
    .map((value) => (value === undefined ? " " : BARS[Math.min(7, Math.floor((value / (most || 1)) * 8))]))
    .join("");
}
