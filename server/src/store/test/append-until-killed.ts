// Appends batches to the store in the folder given until it is killed; prints each seq once it is acked. For sqlite-crash.test.ts.
import { openSqliteStore } from '../sqlite-store.ts'
import { message } from './drafts.ts'

const [dir = ''] = process.argv.slice(2)
const store = await openSqliteStore({ dir, self: 'a' })
const taken = await store.take('r', 1)
if (typeof taken === 'string') throw new Error('fenced')
for (let next = taken.head + 1; ;) {
  const drafts = Array.from({ length: 1 + (next % 7) }, (_, i) => message(`${next + i}`))
  const { rooms } = await store.append([{ room: 'r', epoch: 1, drafts }])
  for (const outcome of rooms[0] === 'fenced' ? [] : rooms[0]!) {
    if (outcome.is === 'new') process.stdout.write(`${outcome.seq}\n`)
  }
  next += drafts.length
}
