import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linkIn, pathOfRoom, roomOfPath } from './room-path.ts'

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

test('what stands behind the # of a room is the secret of a link to it', () => {
  assert.deepEqual(linkIn({ pathname: '/r/abc', hash: '#s3cret' }), { room: 'abc', secret: 's3cret' })
  for (const [pathname, hash] of [
    ['/r/abc', ''],
    ['/r/abc', '#'],
    ['/', '#s3cret'],
    ['/fleet', '#s3cret'],
  ] as const)
    assert.equal(linkIn({ pathname, hash }), undefined)
})
