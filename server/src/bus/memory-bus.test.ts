import { describeBus } from './bus.contract.ts'
import { MemoryNetwork } from './memory-bus.ts'

describeBus('MemoryBus', () => {
  const network = new MemoryNetwork({
    message: (_from, _to, deliver) => void setImmediate(deliver),
    state: (_from, _to, deliver) => void setImmediate(deliver),
  })
  const a = network.join('a')
  const b = network.join('b')
  return Promise.resolve({ a, b, kill: (bus) => bus.close() })
})
