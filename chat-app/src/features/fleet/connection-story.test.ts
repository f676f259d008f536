import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Connection } from '@flotilla/protocol/client/connection.ts'
import { tellStory, type StoryFacts } from './connection-story.ts'

const LIVE: Connection = {
  status: 'live',
  url: 'ws://127.0.0.1:8081/ws',
  server: 's2',
  session: 'x',
  user: { id: 'guest:ana', name: 'ana' },
  alternatives: [],
}
const tell = (connection: Connection, facts: Partial<StoryFacts> = {}) =>
  tellStory({
    connection,
    lastServer: undefined,
    hasJustMoved: false,
    isLong: false,
    isOnline: true,
    hasNoServer: false,
    ...facts,
  })

describe('what a person is told about the connection', () => {
  test('a live line is calm and names its server; after a move it says so', () => {
    assert.deepEqual(tell(LIVE), {
      mood: 'calm',
      words: 'Live',
      isLong: false,
      server: '127.0.0.1:8081',
    })
    assert.equal(tell(LIVE, { hasJustMoved: true }).words, 'Moved to 127.0.0.1:8081')
  })

  test('the first time it is connecting, later it is reconnecting', () => {
    assert.equal(tell({ status: 'locating', attempt: 0 }).words, 'Connecting…')
    const again = tell({ status: 'waiting', attempt: 1, delayMs: 300 }, { lastServer: '127.0.0.1:8081' })
    assert.deepEqual(again, {
      mood: 'busy',
      words: 'Reconnecting…',
      isLong: false,
      server: '127.0.0.1:8081',
    })
  })

  test('a short break is a word, a longer one a sentence', () => {
    const waiting: Connection = { status: 'waiting', attempt: 1, delayMs: 300 }
    assert.equal(tell(waiting).isLong, false)
    assert.equal(tell(waiting, { isLong: true }).isLong, true)
    assert.equal(tell(LIVE, { isLong: true }).isLong, false)
  })

  test('who waits in line is told where, also while it is asked again', () => {
    for (const connection of [
      { status: 'waiting', attempt: 9, delayMs: 2_000, place: 12 },
      { status: 'locating', attempt: 9, place: 12 },
    ] satisfies Connection[]) {
      const { mood, words, isLong } = tell(connection, { hasNoServer: true })
      assert.deepEqual(
        [mood, words, isLong],
        ['busy', 'All servers are full: you are number 12 in line', true],
      )
    }
  })

  test('being offline, no free server and long silence are told apart', () => {
    const waiting: Connection = { status: 'waiting', attempt: 6, delayMs: 9_000 }
    assert.equal(tell(waiting, { isOnline: false, hasNoServer: true }).words, 'You are offline')
    assert.equal(tell(waiting, { hasNoServer: true }).words, 'No chat server is free')
    assert.deepEqual(tell(waiting), {
      mood: 'lost',
      words: 'The fleet does not answer',
      isLong: true,
      remedy: 'retry',
    })
  })

  test('a final end offers to sign in again', () => {
    assert.equal(tell({ status: 'closed', code: 4401 }).remedy, 'sign_in')
    assert.equal(tell({ status: 'closed', code: 4403 }).words, 'You were removed')
  })
})
