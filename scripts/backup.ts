// Backs up the chat of one server, or the accounts of the balancer, while it runs or not, and puts a backup back.
//
//   npm run backup -- --data data/server-8080 --to backups/8080.db
//   npm run restore -- --data data/server-8080 --from backups/8080.db     the server must not run
//   npm run backup -- --data data/loadbalancer --to backups/accounts.db   and back the same way
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  ACCOUNTS_FILE,
  backupAccounts,
  holdsAccounts,
  restoreAccounts,
} from '../loadbalancer/src/accounts/backup.ts'
import { backup, restore } from '../server/src/store/backup.ts'

const USAGE = 'usage: npm run backup -- --data DIR --to FILE | npm run restore -- --data DIR --from FILE'

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { data: { type: 'string' }, to: { type: 'string' }, from: { type: 'string' } },
  })
  const [what] = positionals
  const { data, to, from } = values
  if (what === 'backup' && data !== undefined && to !== undefined && from === undefined) {
    if (holdsAccounts(join(data, ACCOUNTS_FILE))) {
      console.log(`${to}: ${backupAccounts(data, to)} accounts`)
    } else {
      const { rooms, entries } = backup(data, to)
      console.log(`${to}: ${rooms} rooms, ${entries} entries`)
    }
  } else if (what === 'restore' && data !== undefined && from !== undefined && to === undefined) {
    const keptIn = holdsAccounts(from) ? bringBackAccounts(from, data) : bringBackChat(from, data)
    if (keptIn !== undefined) console.log(`what stood there is in ${keptIn}`)
  } else {
    console.error(USAGE)
    process.exitCode = 2
  }
}

function bringBackAccounts(from: string, data: string): string | undefined {
  const { accounts, keptIn } = restoreAccounts(from, data, Date.now())
  console.log(`${data}: ${accounts} accounts; everybody signs in again`)
  return keptIn
}

function bringBackChat(from: string, data: string): string | undefined {
  const { rooms, entries, keptIn } = restore(from, data, Date.now())
  console.log(`${data}: ${rooms} rooms, ${entries} entries, in new logs`)
  return keptIn
}

try {
  main()
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : String(cause))
  process.exitCode = (cause as { code?: unknown }).code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? 2 : 1
}
