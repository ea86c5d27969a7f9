import { expect, test } from "vitest";
import { Gathered } from "./gathered.js";

function gathered() {
  const sent: (readonly number[])[] = [];
  return { sent, gathered: new Gathered<number>((items) => sent.push(items)) };
}

test("what is added by code that goes on together goes together, in its order", async () => {
  const { sent, gathered: some } = gathered();
  const comes = async (item: number): Promise<void> => {
    await Promise.resolve();
    some.add(item);
  };
  await Promise.all([comes(1), comes(2), comes(3)]);
  await Promise.resolve();
  expect(sent).toEqual([[1, 2, 3]]);
  await comes(4);
  await Promise.resolve();
  expect(sent).toEqual([[1, 2, 3], [4]]);
});

test("a flush sends what there is, once, and nothing where there is nothing", async () => {
  const { sent, gathered: some } = gathered();
  some.flush();
  some.add(1);
  some.flush();
  expect(sent).toEqual([[1]]);
  await Promise.resolve();
  some.add(2);
  await Promise.resolve();
  expect(sent).toEqual([[1], [2]]);
});

test("many go in several messages", async () => {
  const { sent, gathered: some } = gathered();
  for (let item = 0; item < 40; item++) some.add(item);
  await Promise.resolve();
  expect(sent.map(({ length }) => length)).toEqual([16, 16, 8]);
  expect(sent.flat()).toEqual(Array.from({ length: 40 }, (_, item) => item));
});
