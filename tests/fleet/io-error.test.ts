// What the store promises of a disk that fails under it: no ack, and the process ends; the others go on. Shown on real
// processes: the kernel lets their writes fail (EFBIG, which SQLite takes for the same as EIO), and pages of a file in use are
// overwritten.
import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { canLimitWrites, limitWrites, walEnd } from '../../scripts/chaos/write-limit.ts'
import { startFleet, until, type FleetProcess, type LocalFleet } from './harness.ts'
import { Person } from './person.ts'
import { RawClient } from './raw-client.ts'
import { assertNothingLost, keepTalking } from './talk.ts'

/** As after `npm run server`: what an operator reads. */
const LAST_WORDS = /^The store is lost, the server ends: the store in .+ is lost: .+/

/** One that goes on for so long has not noticed. */
const ENDS_MS = 120_000

async function fleetThatTalks(t: TestContext) {
  const fleet = await startFleet({ t, servers: 2, serverArgs: ['--rate', '0'] })
  const people = await Person.oneOnEachServer(t, fleet)
  people[0]!.say('first')
  await until('the room has a home', () => people[0]!.acks.size === 1)
  return { fleet, people, home: homeOf(fleet) }
}

/** The server whose file has the room. */
function homeOf(fleet: LocalFleet): FleetProcess {
  return fleet.servers.find(({ dataDir }) => idsIn(dataDir).length > 0)!
}

/** Ids of all sends that stand in the file, as any SQLite tool reads them; the server may run. */
function idsIn(dataDir: string): string[] {
  const db = new Database(join(dataDir, 'chat.db'), { readonly: true, timeout: 1_000 })
  try {
    return db.prepare<[], string>('SELECT send_id FROM messages').pluck().all()
  } finally {
    db.close()
  }
}

/** Everything that was acked by now stands in a file: that of the one that failed, or of the one that took over. */
function assertAckedIsStored(fleet: LocalFleet, people: readonly Person[]): void {
  const acked = people.flatMap(({ acks }) => [...acks.keys()])
  const stored = new Set(fleet.servers.flatMap(({ dataDir }) => idsIn(dataDir)))
  assert.deepEqual(
    acked.filter((id) => !stored.has(id)),
    [],
  )
}

async function assertEndedByItsStore(home: FleetProcess, why: RegExp): Promise<void> {
  const late = pause(ENDS_MS, 'it goes on', { ref: false })
  assert.deepEqual(await Promise.race([home.exited, late]), { code: 1, signal: null })
  const words = home.output.filter((line) => LAST_WORDS.test(line))
  assert.equal(words.length, 1, home.output.join('\n'))
  assert.match(words[0]!, why)
}

describe('a server whose writes fail', () => {
  /** Bytes that still get through: none, or some of a commit, which is torn by that. */
  for (const slackBytes of [0, 1, 5_000]) {
    test(`${slackBytes} bytes further on acks nothing more and ends; the others go on, and nothing acked is lost`, async (t) => {
      if (!canLimitWrites()) {
        t.skip('writes are made to fail with prlimit, which is not here')
        return
      }
      const { fleet, people, home } = await fleetThatTalks(t)
      const stopTalking = keepTalking(t, people, 20)
      await until('there is talk', () => people.every(({ acks }) => acks.size > 20))

      limitWrites(home.pid, slackBytes === 0 ? 0 : walEnd(home.dataDir) + slackBytes)
      await assertEndedByItsStore(home, /disk I\/O error/)
      assertAckedIsStored(fleet, people)

      const acked = people.map(({ acks }) => acks.size)
      await until('the other one acks', () => people.every(({ acks }, i) => acks.size > acked[i]! + 20))
      await home.restart()
      await fleet.complete()
      await until('it serves again', async () =>
        (await fleet.registry()).every(({ state }) => state === 'up'),
      )
      stopTalking()
      await assertNothingLost(people)
      assertAckedIsStored(fleet, people)
    })
  }

  test('ends as clearly if its log cannot be written either, and has said so', async (t) => {
    if (!canLimitWrites()) {
      t.skip('writes are made to fail with prlimit, which is not here')
      return
    }
    const { people, home } = await fleetThatTalks(t)
    const lines = readFileSync(join(home.dataDir, 'chat.log'), 'utf8')
    limitWrites(home.pid, 0)
    // What it has to say of a stranger at the door goes to its log, which takes nothing: that alone does not end it.
    await until('its log has failed', async () => {
      assert.equal(await RawClient.refusal(home.url, { origin: 'http://stranger.example' }), 403)
      return home.output.some((line) => /chat\.log cannot be written/.test(line))
    })
    people[1]!.say('last')
    await assertEndedByItsStore(home, /disk I\/O error/)
    assert.equal(readFileSync(join(home.dataDir, 'chat.log'), 'utf8'), lines)
  })
})

test('a server whose file is overwritten under it ends when it meets that; nobody ever sees two bodies at one (log, seq)', async (t) => {
  const { fleet, people, home } = await fleetThatTalks(t)
  const bodies = new Map<string, string>()
  const changed: string[] = []
  for (const { room } of people) {
    room.listen({
      entries: (entries) => {
        for (const entry of entries) {
          const at = `${room.state.log} ${entry.seq}`
          const body = JSON.stringify(entry)
          if ((bodies.get(at) ?? body) !== body) changed.push(`${at}: ${bodies.get(at)}, then ${body}`)
          bodies.set(at, body)
        }
      },
    })
  }
  const stopTalking = keepTalking(t, people, 20)
  await until('there is talk', () => people.every(({ acks }) => acks.size > 100))
  overwriteSecondHalf(join(home.dataDir, 'chat.db-wal'))
  // What came lately it has in memory, and shows to clients from there; an export reads what is stored.
  void fetch(`${home.url.replace(/^ws/, 'http').replace(/\/ws$/, '')}/internal/rooms/general/read`, {
    method: 'POST',
    headers: { authorization: `Bearer ${fleet.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ after: 0, limit: 200 }),
  }).catch(() => {}) // it ends before it answers
  await assertEndedByItsStore(home, /./)

  // Its rooms may be taken over, or wait for it; started again it gives them other logs, or says that its file is damaged.
  const restarted = await home.restart().then(
    () => true,
    (cause: Error) => {
      assert.match(cause.message, /Cannot start: .*chat\.db is damaged/)
      return false
    },
  )
  t.diagnostic(restarted ? 'started again' : 'does not start with that file')
  stopTalking()
  assert.deepEqual(changed, [])
  const other = fleet.servers.find((server) => server !== home)!
  await until('the other one serves', async () =>
    (await fleet.registry()).some(({ id, state }) => id === other.id && state === 'up'),
  )
})

function overwriteSecondHalf(path: string): void {
  const file = openSync(path, 'r+')
  const from = Math.floor(fstatSync(file).size / 2)
  writeSync(file, Buffer.alloc(from, 0xa5), 0, from, from)
  closeSync(file)
}
