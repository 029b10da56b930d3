/** An object with every method of an interface: each, by its name, is what `call` makes of it. */
export const byName = <Api extends object>(call: (name: keyof Api, request: unknown[]) => unknown): Api =>
  new Proxy({} as Api, {
    get:
      (_, name) =>
      (...request: unknown[]) =>
        call(name as keyof Api, request),
  });
