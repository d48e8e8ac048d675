/**
 * The name that was probably meant by one that there is not: the same but for case, longer or shorter at its end
 * (`timeout`, `timeoutMs`), or with about a third of its characters wrong at most. Undefined when none is close.
 */
export function closestName(given: string, names: Iterable<string>): string | undefined {
  const wanted = given.toLowerCase();
  let closest: { readonly name: string; readonly distance: number } | undefined;
  for (const name of names) {
    const distance = distanceOf(wanted, name.toLowerCase());
    if (distance < (closest?.distance ?? Number.POSITIVE_INFINITY)) closest = { name, distance };
  }
  return closest !== undefined && closest.distance <= Math.max(1, wanted.length / 3) ? closest.name : undefined;
}

function distanceOf(given: string, name: string): number {
  const [shorter, longer] = given.length < name.length ? [given, name] : [name, given];
  if (shorter.length >= 3 && longer.startsWith(shorter)) return longer === shorter ? 0 : 1;
  return editDistance(given, name);
}

/** How many characters have to be put in, taken away or replaced (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let at = 0; at < from.length; at++) {
    const next = [at + 1];
    for (let index = 0; index < to.length; index++) {
      const replaced = (row[index] ?? 0) + (from[at] === to[index] ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
