import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  CLIENT_FRAMES,
  encodeEntry,
  guestId,
  normaliseName,
  parseClientFrame,
  parseServerFrame,
  splitLines,
  type Entry,
} from './frames.ts'
import { LIMITS } from './limits.ts'
import { ERRORS } from './errors.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

const text = () => fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
const roomId = () => fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
const seq = () => fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

const send = (over: object) =>
  parseClientFrame(JSON.stringify({ type: 'send', room: 'r', id: 'i', text: 'hello', ...over }))
const codeOf = (result: ReturnType<typeof parseClientFrame>) => (result.ok ? 'ok' : result.code)

/** Frames that are nearly right: the right keys, now and then with something else under them. */
const nearFrame = () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.constantFrom('__proto__', '', '\ud800'),
  )
  const field = (good: fc.Arbitrary<unknown>) => fc.oneof({ weight: 3, arbitrary: good }, anything)
  return fc.record(
    {
      type: field(fc.constantFrom(...Object.keys(CLIENT_FRAMES), 'toString', 'constructor', '__proto__')),
      ref: field(fc.oneof(fc.string(), fc.integer())),
      room: field(roomId()),
      id: field(text()),
      text: field(text()),
      after: field(text()),
      since: field(fc.nat()),
      before: field(fc.nat()),
      limit: field(fc.integer()),
      log: field(text()),
      replyTo: field(seq()),
    },
    { requiredKeys: [] },
  )
}

describe('frames of clients', () => {
  test('a send is taken for what its schema takes it for, whichever way it is judged', () => {
    const edges = fc.constantFrom<unknown>(
      ...[
        '',
        '\ud800',
        'x'.repeat(64),
        'x'.repeat(65),
        'a b',
        'ä',
        0,
        1,
        -1,
        1.5,
        2 ** 53,
        -(2 ** 53),
        null,
        true,
        [],
        {},
      ],
    )
    const near = fc
      .tuple(
        nearFrame(),
        fc.dictionary(fc.constantFrom('ref', 'room', 'id', 'text', 'after', 'replyTo', 'more'), edges),
      )
      .map(([frame, over]) => ({ room: 'r', id: 'i', text: 'hello', ...frame, ...over, type: 'send' }))
    let taken = 0
    fc.assert(
      fc.property(near, (frame) => {
        const line = JSON.stringify(frame)
        const bySchema = CLIENT_FRAMES.send.safeParse(JSON.parse(line))
        const parsed = parseClientFrame(line)
        if (parsed.ok) {
          taken += 1
          assert.deepEqual(parsed.value, bySchema.data)
        } else if (bySchema.success) {
          // The schema has no opinion on these two.
          assert.ok(
            parsed.code === 'too_long' || bySchema.data.text.trim() === '',
            parsed.message ?? parsed.code,
          )
        }
      }),
      { numRuns: 1_500 },
    )
    assert.ok(taken > 50, `${taken} were taken`)
  })

  test('[F3] no line whatever makes parsing throw, and every refusal has a code of the table', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.json(),
      nearFrame().map((frame) => JSON.stringify(frame)),
      fc.integer({ min: 1, max: 20_000 }).map((depth) => '['.repeat(depth)),
      fc
        .integer({ min: 1, max: 5_000 })
        .map((depth) => `{"type":${'[['.repeat(depth)}${']]'.repeat(depth)}}`),
    )
    fc.assert(
      fc.property(line, (given) => {
        const result = parseClientFrame(given)
        if (result.ok) assert.ok(Object.hasOwn(CLIENT_FRAMES, result.value.type))
        else assert.ok(Object.hasOwn(ERRORS, result.code))
      }),
      { numRuns: 2_000 },
    )
  })

  test('[F2] [F4] what is right comes out as it went in, without the fields nobody knows', () => {
    const right = fc.record(
      {
        type: fc.constant('send'),
        room: roomId(),
        id: text(),
        text: text(),
        ref: fc.integer(),
        after: text(),
        replyTo: seq(),
      },
      { requiredKeys: ['type', 'room', 'id', 'text'], noNullPrototype: true },
    )
    fc.assert(
      fc.property(right, fc.dictionary(fc.stringMatching(/^x[a-z]{1,8}$/), fc.jsonValue()), (frame, more) => {
        fc.pre(frame.id.length <= 64 && (frame.after?.length ?? 0) <= 64 && frame.text.trim() !== '')
        const result = parseClientFrame(JSON.stringify({ ...frame, ...more }))
        assert.deepEqual(result, { ok: true, value: frame })
      }),
    )
  })

  test('[F3] what is wrong is refused with a code that says what', () => {
    const cases: [string, string][] = [
      ['', 'bad_json'],
      ['{"type":"ping"', 'bad_json'],
      ['[]', 'bad_message'],
      ['null', 'bad_message'],
      ['"ping"', 'bad_message'],
      ['{}', 'bad_message'],
      ['{"type":1}', 'bad_message'],
      ['{"type":"toString"}', 'unknown_type'],
      ['{"type":"__proto__"}', 'unknown_type'],
      ['{"type":"join"}', 'bad_message'],
      ['{"type":"join","room":"a b"}', 'bad_message'],
      ['{"type":"join","room":"../x"}', 'bad_message'],
      ['{"type":"join","room":"r","since":-1}', 'bad_message'],
      ['{"type":"join","room":"r","since":1.5}', 'bad_message'],
      ['{"type":"history","room":"r","limit":0}', 'bad_message'],
      ['{"type":"history","room":"r","limit":1.5}', 'bad_message'],
      ['{"type":"history","room":"r","limit":1e999}', 'bad_message'],
      ['{"type":"history","room":"r","limit":100000000000000000}', 'ok'],
      ['{"type":"ping"}', 'ok'],
    ]
    for (const [line, code] of cases) assert.equal(codeOf(parseClientFrame(line)), code, line)
  })

  test('[X1] a refusal names its request by what could be read of it', () => {
    assert.partialDeepStrictEqual(send({ text: 7, ref: 'a' }), { ref: 'a', room: 'r', id: 'i' })
    assert.partialDeepStrictEqual(parseClientFrame('{"type":"nonsense","ref":3,"room":"no room"}'), {
      code: 'unknown_type',
      ref: 3,
    })
    assert.equal('room' in parseClientFrame('{"type":"nonsense","room":"no room"}'), false)
  })

  test('[S6] a text is counted in UTF-16 units; blank ones are refused, others kept byte for byte', () => {
    const limit = LIMITS.textChars
    assert.equal(codeOf(send({ text: 'x'.repeat(limit) })), 'ok')
    assert.equal(codeOf(send({ text: 'x'.repeat(limit + 1) })), 'too_long')
    assert.equal(codeOf(send({ text: '😀'.repeat(limit / 2) })), 'ok')
    assert.equal(codeOf(send({ text: '😀'.repeat(limit / 2 + 1) })), 'too_long')
    for (const blank of ['', ' ', '\n\t', '\u00a0\u2003'])
      assert.equal(codeOf(send({ text: blank })), 'bad_message')
    const kept = send({ text: ' a\r\n\u0000e\u0301 ' })
    assert.ok(kept.ok && kept.value.type === 'send' && kept.value.text === ' a\r\n\u0000e\u0301 ')
  })

  test('[F6] lone surrogates are refused wherever they stand', () => {
    for (const field of ['text', 'id', 'after', 'ref']) {
      assert.equal(codeOf(send({ [field]: 'a\ud800b' })), 'bad_message', field)
    }
  })
})

describe('frames of servers', () => {
  test('[F8] a type of tomorrow is passed on, what is no frame is skipped, nothing throws', () => {
    assert.deepEqual(parseServerFrame('{"type":"pong","ref":1}'), { type: 'pong', ref: 1 })
    assert.equal(parseServerFrame('nonsense'), undefined)
    assert.equal(parseServerFrame('[1]'), undefined)
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (line) => void parseServerFrame(line)))
  })

  test('[F1] a frame holds the lines that were put in it, whatever is in the texts', () => {
    const frames = fc.array(fc.record({ type: fc.string(), text: fc.string({ unit: 'binary' }) }), {
      minLength: 1,
    })
    fc.assert(
      fc.property(frames, (sent) => {
        const lines = splitLines(sent.map((frame) => JSON.stringify(frame)).join('\n'))
        assert.deepEqual(
          lines.map((line) => JSON.parse(line) as unknown),
          sent.map((frame) => JSON.parse(JSON.stringify(frame)) as unknown),
        )
      }),
    )
    assert.deepEqual(splitLines('\n{"a":1}\n\n{"b":2}\n'), ['{"a":1}', '{"b":2}'])
    assert.deepEqual(splitLines(''), [])
  })
})

describe('encodeEntry', () => {
  const base = {
    room: roomId(),
    seq: seq(),
    id: text(),
    user: fc.record({ id: text(), name: text() }),
    ts: fc.nat(),
  }
  const entry: fc.Arbitrary<Entry> = fc.oneof(
    fc.record(
      {
        type: fc.constant('message' as const),
        ...base,
        text: fc.string({ unit: 'grapheme' }),
        replyTo: seq(),
      },
      { requiredKeys: ['type', 'room', 'seq', 'id', 'user', 'ts', 'text'] },
    ),
    fc.record({ type: fc.constant('edit' as const), ...base, target: seq(), text: text() }),
    fc.record({ type: fc.constant('delete' as const), ...base, target: seq() }),
    fc.record({
      type: fc.constant('react' as const),
      ...base,
      target: seq(),
      emoji: text(),
      on: fc.boolean(),
    }),
    fc.record({ type: fc.constant('system' as const), ...base, event: text(), data: fc.jsonValue() }),
  )

  test('[E1] [E5] what is encoded is one line, and reads back as it was', () => {
    fc.assert(
      fc.property(entry, (given) => {
        const line = encodeEntry(given)
        assert.deepEqual(splitLines(line), [line])
        // Through JSON once, which has no -0 and no undefined.
        assert.deepEqual(parseServerFrame(line), JSON.parse(JSON.stringify(given)))
      }),
    )
  })

  test('[E4] the bytes do not depend on where the entry came from', () => {
    fc.assert(
      fc.property(entry, (given) => {
        const shuffled = Object.fromEntries(Object.entries(given).reverse()) as unknown as Entry
        const user = { name: given.user.name, id: given.user.id, age: 3 }
        const more: object = { ...shuffled, user, internal: 1 }
        assert.equal(encodeEntry(more as Entry), encodeEntry(given))
        assert.equal(encodeEntry(parseServerFrame(encodeEntry(given)) as Entry), encodeEntry(given))
      }),
    )
  })
})

describe('names', () => {
  test('[C4] ordinary names of any script pass, in form C', () => {
    for (const name of [
      'anna',
      'Zoë',
      'Jean-Luc',
      'a b',
      '山田',
      'Ünal',
      '[away]',
      '`^_|{}',
      '😀',
      'x'.repeat(32),
    ]) {
      assert.equal(normaliseName(name), name.normalize('NFC'), name)
    }
    assert.equal(normaliseName('Zoe\u0308'), 'Zoë')
  })

  test('[C4] names that deceive or break a line are refused', () => {
    const bad = [
      '',
      ' ',
      ' a',
      'a ',
      'a:b',
      'a\nb',
      'a\u0000',
      'a\u202eb',
      'a\u200bb',
      '\ufeffa',
      'a\u2028b',
      '\ud800',
      '\ue000',
      'a\u00a0b',
      'a\u3000b',
      '\u3164',
      'a\u115fb',
      '\u2800',
      'an\u034fn',
      '\u0301a',
      '\ufe0f',
      'x'.repeat(33),
    ]
    for (const name of bad) assert.equal(normaliseName(name), undefined, JSON.stringify(name))
  })

  test('[C4] what passes stays as it is when normalised again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (given) => {
        const name = normaliseName(given)
        if (name === undefined) return
        assert.equal(normaliseName(name), name)
        assert.ok([...name].length <= 32 && !name.includes(':'))
      }),
    )
  })

  test('[C3] no guest has the id of an account', () => {
    fc.assert(fc.property(fc.string(), (name) => guestId(name).startsWith('guest:')))
  })
})
