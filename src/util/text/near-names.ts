/** The names most like `wanted`, by how much of their beginning and end they share; for error messages. */
export function nearNames(wanted: string, names: Iterable<string>, count = 3): string[] {
  const scored = Array.from(names, (name) => ({
    name,
    score: sharedEnds(wanted, name) / Math.max(wanted.length, name.length),
  }));
  const near = scored.filter(({ score }) => score >= 0.5);
  return near
    .sort((a, b) => b.score - a.score)
    .slice(0, count)
    .map(({ name }) => name);
}

function sharedEnds(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let front = 0;
  while (front < length && a[front] === b[front]) front++;
  let back = 0;
  while (back < length - front && a[a.length - 1 - back] === b[b.length - 1 - back]) back++;
  return front + back;
}
