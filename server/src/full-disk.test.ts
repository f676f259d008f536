import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Fleet } from './test/kit.ts'

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** A disk of a few megabytes; undefined where none can be mounted. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    rmdirSync(folder)
    return undefined
  }
  return folder
}

/** Takes every byte that is left. */
function fill(folder: string): void {
  const file = openSync(join(folder, 'filler'), 'w')
  for (let size = 65_536; size >= 1; size /= 2) {
    try {
      for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break
    } catch (cause) {
      assert.equal((cause as NodeJS.ErrnoException).code, 'ENOSPC')
    }
  }
  closeSync(file)
}

describe('a server on a full disk', () => {
  test('[E3] [S8] acks nothing, says busy, goes on reading, and goes on when there is space again', async (t) => {
    const fleet = await Fleet.start()
    const folder = smallDisk()
    t.after(async () => {
      try {
        await fleet.close()
      } finally {
        if (folder !== undefined) {
          execFileSync('umount', ['--lazy', folder])
          rmdirSync(folder)
        }
      }
    })
    if (folder === undefined) {
      t.skip('a small disk can be mounted by root only')
      return
    }
    const server = await fleet.open({ data: folder, flags: ['--log-level', 'info'] })
    let lost: unknown
    void server.lost.then((cause) => (lost = cause))
    fleet.servers.push(server)
    await fleet.untilUp()
    const room = await fleet.room(1)
    const ada = await fleet.member(room, 1)
    const edge = await fleet.member(room, 0)
    for (const id of upTo(1, 20)) await ada.send(room, `before-${id}`, 'x'.repeat(1_000))
    fill(folder)

    const text = 'y'.repeat(4_000)
    const refused: string[] = []
    // SQLite may have a little space of its own left.
    for (let id = 1; refused.length < 20; id += 1) {
      const from = id % 2 === 0 ? ada : edge
      const answer = await from.ask({ type: 'send', room, id: `full-${id}`, text })
      if (answer.type !== 'error') continue
      assert.equal(answer.code, 'busy')
      assert.ok((answer.retryMs ?? 0) > 0)
      refused.push(`full-${id}`)
    }
    const isHere = (id: string) => (entry: { id: string }) => entry.id === id
    for (const client of [ada, edge, await fleet.client(server)]) {
      await client.join(room)
      const { entries } = await client.history(room)
      assert.ok(upTo(1, 20).every((id) => entries.some(isHere(`before-${id}`))))
      assert.ok(!refused.some((id) => entries.some(isHere(id))))
    }
    const acked = [...ada.of('ack'), ...edge.of('ack')]
    const { entries, done } = await ada.history(room)
    assert.deepEqual([done, entries.length], [true, acked.length])
    await fleet.room(1) // and the server is still there

    rmSync(join(folder, 'filler'))
    for (const id of refused) await (Number(id.slice(5)) % 2 === 0 ? ada : edge).send(room, id, text)
    const last = entries.length + refused.length
    for (const client of [ada, edge]) {
      await client.upTo(room, last)
      const ids = client.entries(room).map(({ id }) => id)
      for (const id of refused) assert.equal(ids.filter((other) => other === id).length, 1)
    }
    assert.equal(lost, undefined)
  })
})
