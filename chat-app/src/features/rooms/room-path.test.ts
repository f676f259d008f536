import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathOfRoom, roomOfPath } from './room-path.ts'

test('a path names its room, and anything else is general', () => {
  assert.equal(roomOfPath('/r/abc_-9'), 'abc_-9')
  assert.equal(roomOfPath('/r/abc/'), 'abc')
  for (const path of ['/', '', '/r/', '/r/a/b', '/r/a%20b', `/r/${'x'.repeat(65)}`, '/x/abc'])
    assert.equal(roomOfPath(path), 'general', path)
})

test('a room has one path, and it leads back to it', () => {
  assert.equal(pathOfRoom('general'), '/')
  for (const id of ['general', 'abc_-9']) assert.equal(roomOfPath(pathOfRoom(id)), id)
})
