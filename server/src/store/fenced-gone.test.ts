import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { openChatFile } from './sqlite-file.ts'
import { packBatch, unpackCommitted } from './sqlite-messages.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import type { Draft } from './store.ts'
import { takeOver } from './take-over.ts'
import { ANN, message } from './test/drafts.ts'
import { freshFolder } from './test/sqlite-world.ts'

const GENESIS: Genesis = { name: 'ours', visibility: 'private', createdAt: 1, createdBy: ANN }

test('[S1] a home that was taken over and does not know it cannot write that somebody is gone, nor lift the fence by it', (t) => {
  const [dirA, dirB] = [freshFolder(t), freshFolder(t)]
  const [a, b] = [dirA, dirB].map((dir) => new SqliteWriter(openChatFile({ dir }))) as [
    SqliteWriter,
    SqliteWriter,
  ]
  t.after(() => [a, b].forEach(({ db }) => db.close()))
  const append = (writer: SqliteWriter, epoch: number, ...drafts: Draft[]) =>
    unpackCommitted(writer.append(packBatch([{ room: 'r', epoch, drafts }]))).rooms[0]!
  a.take('r', 1, GENESIS)
  append(a, 1, message('1'))
  const steps = [...takeOver(b, 'b', 'r', 2, [{ id: 'a', dataDir: dirA }])]
  assert.ok(steps.length > 0)
  append(b, 2, message('2'))
  const gone: Draft = { id: 'g', user: ANN, type: 'system', event: 'gone', ts: 5_000 }
  assert.equal(append(a, 1, gone), 'fenced')
  assert.deepEqual([a.row('r')?.epoch, a.row('r')?.movedTo], [2, 'b'])
  assert.equal(append(a, 1, message('3')), 'fenced')
})
