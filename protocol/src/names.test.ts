import assert from 'node:assert/strict'
import { test } from 'node:test'
import { looksLike, nameKey, nameMarks } from './names.ts'

test('a name keeps its key in any case and any way to write its characters', () => {
  for (const [one, other] of [
    ['Ann', 'aNN'],
    ['José', 'JOSE\u0301'],
    ['Ångström', 'A\u030angstro\u0308m'],
    ['Straße', 'STRASSE'],
    ['Σίσυφος', 'ΣΊΣΥΦΟΣ'],
    ['ａｎｎ', 'ann'],
    ['ﬁnn', 'finn'],
    ['𝐀nn', 'ann'],
  ] as const)
    assert.equal(nameKey(one), nameKey(other), `${one} ${other}`)
  for (const [one, other] of [
    ['Ann', 'Anna'],
    ['Jose', 'José'],
    ['ann', 'а\u043d\u043d'],
  ] as const)
    assert.notEqual(nameKey(one), nameKey(other), `${one} ${other}`)
})

test('a key and its own key are the same, and so are those of every name that falls together with it', () => {
  for (const name of ['ẞ', 'ŉ', 'ǰ', 'ΐ', 'İstanbul', 'ﬃ', 'ᾳ', '\u0345α', 'K'])
    assert.equal(nameKey(nameKey(name)), nameKey(name), name)
})

test('names that look the same are found out', () => {
  for (const [one, other] of [
    ['paypal', 'раураl'], // Cyrillic р, а, у
    ['admin', 'аdmin'],
    ['Admin', 'αdmin'], // Greek alpha
    ['paypal', 'paypaI'],
    ['PAYPAL', 'paypal'],
    ['Bill', 'BiII'],
    ['Bill', 'Bi11'],
    ['anna', 'аnnа'],
    ['modern', 'modem'],
    ['O0O', 'o0o'],
    ['root', 'r00t'],
    ['ann', 'ａｎｎ'],
    ['ann', '𝖆nn'],
    ['Ann Lee', 'Ann\u00a0Lee'],
    ['Ann Lee', 'Ann  Lee'],
    ['ann', 'ann\ufe0f'],
    ['ann', 'an\u034fn'],
    ['Вob', 'Bob'],
    ['КАТЯ', 'KATЯ'],
    ['deleted user', 'Dеleted User'],
    ['scope', 'ѕсоре'],
  ] as const) {
    assert.ok(looksLike(one, other), `${one} ${other}`)
    assert.ok(looksLike(other, one), `${other} ${one}`)
  }
})

test('names that differ to the eye do not get in each other’s way', () => {
  for (const [one, other] of [
    ['ann', 'anna'],
    ['Jose', 'José'],
    ['Ann Lee', 'AnnLee'],
    ['ann2', 'ann3'],
    ['user-1', 'user-2'],
    ['Миша', 'Маша'],
    ['李雷', '李磊'],
    ['🐢', '🐇'],
    ['bob', 'b0b1'],
  ] as const)
    assert.ok(!looksLike(one, other), `${one} ${other}`)
})

test('whatever the name, it looks like itself, and marks stay small', () => {
  for (const name of ['ann', '\ufdfa'.repeat(32), 'ŉ'.repeat(32), '🐢', 'm'.repeat(32), '﷽'.repeat(32)]) {
    assert.ok(looksLike(name, name))
    for (const mark of [...nameMarks(name), nameKey(name)])
      assert.ok(mark.length <= 32 * 18, `${mark.length}`)
  }
})
