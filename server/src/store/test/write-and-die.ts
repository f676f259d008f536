// Appends to the room `r` in the folder given, brings half of it from the WAL into the file, and is killed by itself when all is
// acked: the same files each time. Prints the last seq. For damage.test.ts.
import { Mark } from '../mark.ts'
import { openChatFile } from '../sqlite-file.ts'
import { packBatch } from '../sqlite-messages.ts'
import { SqliteWriter } from '../sqlite-writer.ts'
import { message } from './drafts.ts'

const [dir = '', acks = ''] = process.argv.slice(2)
const writer = new SqliteWriter(openChatFile({ dir }), new Mark(dir))
writer.take('r', 1)
let acked = 0
let isHalf = false
while (acked < Number(acks)) {
  const drafts = Array.from({ length: 1 + (acked % 7) }, (_, i) => message(`${acked + 1 + i}`))
  writer.append(packBatch([{ room: 'r', epoch: 1, drafts }]))
  acked += drafts.length
  if (!isHalf && acked > Number(acks) / 2) {
    writer.checkpoint()
    isHalf = true
  }
}
process.stdout.write(`${acked}\n`, () => process.kill(process.pid, 'SIGKILL'))
