/**
 * Something under way whose failure may come when nobody waits for it any more, as something else has failed before:
 * then it must not end the process.
 */
export function mayBeGivenUp<T>(underWay: Promise<T>): Promise<T> {
  underWay.catch(() => {});
  return underWay;
}
