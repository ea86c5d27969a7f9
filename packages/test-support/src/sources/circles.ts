/** Who imports whom. Names that are imported but not in the graph lead nowhere. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/**
 * The groups of nodes that lead to each other, however long the way round, each sorted by name; a node that leads to itself
 * is a group of one. Empty when there is no circle. (Tarjan's strongly connected components.)
 */
export function circles(graph: Graph): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: (readonly string[])[] = [];

  const visit = (node: string): void => {
    const index = order.size;
    order.set(node, index);
    lowest.set(node, index);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(node, Math.min(lowest.get(node) ?? 0, lowest.get(next) ?? 0));
    }
    if (lowest.get(node) !== index) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1 || graph.get(node)?.includes(node) === true) found.push(group.toSorted());
  };

  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found.toSorted((one, other) => (one[0] ?? "").localeCompare(other[0] ?? ""));
}
