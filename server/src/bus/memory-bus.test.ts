import { describeBus } from './bus.contract.ts'
import { MemoryNetwork } from './memory-bus.ts'

describeBus('MemoryBus', () => {
  const network = new MemoryNetwork((_from, _to, deliver) => setImmediate(deliver))
  const a = network.join('a')
  const b = network.join('b')
  return Promise.resolve({ a, b, kill: (bus) => bus.close() })
})
