import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cutText, mentions } from './text-parts.ts'

const links = (text: string) =>
  cutText(text, 'ana')
    .filter(({ kind }) => kind === 'link')
    .map((part) => part.text)
const named = (text: string, name = 'ana') =>
  cutText(text, name)
    .filter(({ kind }) => kind === 'mention')
    .map((part) => part.text)

describe('cutting a text into its parts', () => {
  test('joined, the parts are the text, byte for byte', () => {
    for (const text of [
      '',
      '  \n',
      'see http://a.example/b?c=d#e, ana: and (https://x.example/(y)) @ana\n\n\tend ',
      'https://',
      'ana ana ana',
      'İana ana',
      '<a href="https://evil.example">ana</a>',
    ])
      assert.equal(
        cutText(text, 'ana')
          .map((part) => part.text)
          .join(''),
        text,
      )
  })

  test('only http and https become links', () => {
    assert.deepEqual(links('http://a.example HTTPS://B.example/x'), [
      'http://a.example',
      'HTTPS://B.example/x',
    ])
    for (const text of [
      'javascript:alert(1)',
      'data:text/html,x',
      'javascript://a.example/%0aalert(1)',
      'xhttp://a.example',
      'http://',
      'https://?',
      'www.a.example',
    ])
      assert.deepEqual(links(text), [], text)
  })

  test('punctuation after an address stays outside, a bracket opened inside stays in', () => {
    assert.deepEqual(links('(https://a.example/b). https://w.example/x_(y)!'), [
      'https://a.example/b',
      'https://w.example/x_(y)',
    ])
    assert.deepEqual(links('<https://a.example>"https://b.example"'), [
      'https://a.example',
      'https://b.example',
    ])
  })

  test('what turns the direction of text is no part of a link', () => {
    assert.deepEqual(links('https://a.example/\u202Egpj.exe'), ['https://a.example/'])
  })

  test('an address too long to read stays text', () => {
    assert.deepEqual(links(`https://a.example/${'x'.repeat(3_000)}`), [])
  })

  test("the reader's name is found as a whole word in any case, with its @", () => {
    assert.deepEqual(named('Ana, hi @ana! banana ana_x anaé'), ['Ana', '@ana'])
    assert.deepEqual(named('jim_p: over here', 'jim_p'), ['jim_p'])
    assert.deepEqual(named('[GuS] and Mud|afk', 'Mud|afk'), ['Mud|afk'])
    assert.deepEqual(named('ünal ünalx', 'Ünal'), ['ünal'])
  })

  test('a name inside a link is not a mention', () => {
    assert.equal(mentions('https://a.example/ana', 'ana'), false)
    assert.equal(mentions('ana: https://a.example', 'ana'), true)
  })

  test('hostile texts of full length are cut quickly', { timeout: 5_000 }, () => {
    for (const text of [
      'http://'.repeat(571),
      `http://a.example/${'('.repeat(3_900)}`,
      'ana'.repeat(1_333),
      '@'.repeat(4_000),
    ])
      for (let times = 0; times < 20; times += 1) cutText(text, 'ana')
  })
})
