import { MemoryDisk, MemoryStore } from './memory-store.ts'
import { describeStore, type StoreWorld } from './store.contract.ts'

export function memoryWorld(): StoreWorld {
  const disks = new Map<string, MemoryDisk>()
  return {
    open: async (id = 'a') => {
      const disk = disks.get(id) ?? new MemoryDisk()
      disks.set(id, disk)
      return new MemoryStore({ self: id, disk, disks })
    },
    ref: (id) => ({ id, dataDir: id }),
    end: async () => {},
  }
}

describeStore('MemoryStore', memoryWorld)
