/** Whether an object has no properties but its own, so that a stranger's `__proto__` or `constructor` means nothing. */
export function inheritsNothing(candidate: object): boolean {
  for (let above = Object.getPrototypeOf(candidate); above !== null; above = Object.getPrototypeOf(above)) {
    if (Reflect.ownKeys(above).length > 0) return false;
  }
  return true;
}
