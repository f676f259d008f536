/** State outside of React: an immutable snapshot, and who wants to know when it is another one. */
export class Store<T> {
  #value: T
  readonly #listeners = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  /** Bound, so that it can be handed to `useSyncExternalStore` as it is. */
  readonly read = (): T => this.#value

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const listener of [...this.#listeners]) listener()
  }

  patch(part: Partial<T>): void {
    this.set({ ...this.#value, ...part })
  }
}
