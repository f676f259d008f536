import { useSyncExternalStore } from 'react'
import type { Store } from './store.ts'

/** The snapshot of a store; draws again when it is another one. */
export function useStore<T>(store: Pick<Store<T>, 'read' | 'subscribe'>): T {
  return useSyncExternalStore(store.subscribe, store.read)
}
