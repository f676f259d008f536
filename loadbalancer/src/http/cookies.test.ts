import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cookieJar } from './cookies.ts'

test('a cookie is for the API alone, for no script, no other site, and where there is TLS for nothing else', () => {
  assert.equal(
    cookieJar(false).set('a', 'b', 60_999),
    'a=b; Max-Age=60; Path=/api; HttpOnly; SameSite=Strict',
  )
  assert.match(cookieJar(true).set('a', 'b', 1_000), /; SameSite=Strict; Secure$/)
  assert.match(cookieJar(true).clear('a'), /^a=; Max-Age=0; Path=\/api; .*Secure$/)
})

test('a cookie is found by its whole name', () => {
  const { read } = cookieJar(false)
  assert.equal(read('b=1; a=2', 'a'), '2')
  assert.equal(read('a=x=y;a=2', 'a'), 'x=y')
  assert.equal(read(' a = 2 ', 'a'), '2')
  for (const header of [undefined, '', 'a', 'ab=1', 'b=a=1', ';;;'])
    assert.equal(read(header, 'a'), undefined, String(header))
})
