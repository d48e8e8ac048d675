/** A part with some of its members replaced. */
export function replaced<T extends object>(part: T, members: Partial<T>): T {
  return new Proxy(part, {
    get: (target, name) => {
      const member: unknown = Reflect.get(name in members ? members : target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
