import type { ClientFrame } from '@flotilla/protocol/frames.ts'
import fc from 'fast-check'

/**
 * Frames that follow the grammar almost. fast-check makes the values, in a stock for each field; frames are put together out of them: made one
 * by one, a million would take it half an hour, in which the server has next to nothing to do.
 */

const STOCK = 3_000

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    ...['', ' ', '\u0000', '\ud800', '__proto__', 'constructor', "' OR 1=1 --", '\u202e', '{}', '\\'],
  ),
  fc.string({ minLength: 65, maxLength: 300 }),
)
const room = fc.oneof(
  fc.constantFrom('general', 'no-such-room', '../general', 'GENERAL', '__proto__'),
  anyText,
)
const seq = fc.oneof(fc.nat(100), fc.constantFrom(-1, 0, 1.5, 2 ** 53, 1e308, -0, NaN, '1', null))
const id = fc.oneof(fc.constantFrom('a', 'b'), anyText)
const FIELDS = {
  ...{ ref: fc.oneof(fc.integer(), anyText), room, id, text: anyText, after: id, before: seq, since: seq },
  ...{ log: anyText, limit: seq, target: seq, on: fc.oneof(fc.boolean(), anyText), replyTo: seq },
  ...{ emoji: fc.oneof(fc.constantFrom('\u{1f44d}', '\u2764\ufe0f'), anyText), query: anyText, to: anyText },
  ...{ data: fc.jsonValue({ maxDepth: 3 }), seq, user: fc.jsonValue({ maxDepth: 2 }) },
} satisfies Record<string, fc.Arbitrary<unknown>>
type Field = keyof typeof FIELDS
/** What each type may hold; the last three are not taken yet. */
const TYPES: Record<ClientFrame['type'] | 'search' | 'read' | 'signal', readonly Field[]> = {
  join: ['ref', 'room', 'since', 'log'],
  leave: ['ref', 'room'],
  send: ['ref', 'room', 'id', 'text', 'after', 'replyTo'],
  edit: ['ref', 'room', 'id', 'target', 'text', 'after'],
  delete: ['ref', 'room', 'id', 'target', 'after'],
  react: ['ref', 'room', 'id', 'target', 'emoji', 'on', 'after'],
  history: ['ref', 'room', 'before', 'after', 'limit'],
  typing: ['ref', 'room'],
  ping: ['ref'],
  search: ['ref', 'room', 'query', 'limit'],
  read: ['ref', 'room', 'seq'],
  signal: ['ref', 'room', 'to', 'data'],
}
const FIELD_NAMES = Object.keys(FIELDS) as Field[]
const TYPE_NAMES = Object.keys(TYPES) as (keyof typeof TYPES)[]
const KEYS = ['type', ...FIELD_NAMES, '__proto__', 'constructor']

export class FrameMaker {
  /** Of each field `"name":value`, as it stands in a frame. */
  readonly #fields: Readonly<Record<Field, string[]>>
  readonly #values: string[]
  readonly #texts: string[]
  readonly #bits: string[]

  /** The same frames for the same seed. */
  constructor(seed: number) {
    let part = 0
    const stock = <T>(of: fc.Arbitrary<T>) => fc.sample(of, { numRuns: STOCK, seed: seed + (part += 1) })
    const json = (value: unknown) => JSON.stringify(value)
    const said = FIELD_NAMES.map((name) => [
      name,
      stock(FIELDS[name] as fc.Arbitrary<unknown>).map((value) => `"${name}":${json(value)}`),
    ])
    this.#fields = Object.fromEntries(said) as Record<Field, string[]>
    this.#values = stock(fc.jsonValue({ maxDepth: 2 })).map(json)
    this.#texts = stock(anyText)
    this.#bits = stock(fc.string({ unit: 'binary', maxLength: 3 }))
  }

  /** The frames of one line, as its number has them: none holds a line break, or what cannot leave in a text frame. */
  line(number: number, frames: number): string[] {
    const chance = new Chance(number)
    return Array.from({ length: frames }, () => this.#one(chance).replaceAll('\n', ' ').toWellFormed())
  }

  #one(chance: Chance): string {
    const kind = chance.below(19)
    if (kind < 10) return this.#near(chance)
    if (kind < 14) return this.#broken(chance)
    if (kind < 16) return this.#wrongTypes(chance)
    if (kind < 17) return chance.of(this.#texts) + chance.of(this.#texts)
    const value = chance.of(this.#values)
    return kind < 18 ? deep(10 + chance.below(5_000), value) : wide(10 + chance.below(3_000), value)
  }

  /** As the grammar has it, with fields of any type in some places, too many of them, or too few. */
  #near(chance: Chance): string {
    const type = chance.below(9) > 0 ? TYPE_NAMES[chance.below(TYPE_NAMES.length)] : undefined
    const own = type === undefined ? FIELD_NAMES : TYPES[type]
    let frame = `{"type":${JSON.stringify(type ?? chance.of(this.#texts))}`
    for (const name of own) if (chance.below(8) > 0) frame += `,${chance.of(this.#fields[name])}`
    if (chance.below(3) === 0) frame += `,${chance.of(this.#fields[chance.of(FIELD_NAMES)])}`
    return `${frame}}`
  }

  /** Some characters are cut out or replaced. */
  #broken(chance: Chance): string {
    const frame = this.#near(chance)
    const at = chance.below(frame.length + 1)
    return frame.slice(0, at) + chance.of(this.#bits) + frame.slice(at + chance.below(21))
  }

  #wrongTypes(chance: Chance): string {
    const fields = Array.from(
      { length: chance.below(10) },
      () => `"${chance.of(KEYS)}":${chance.of(this.#values)}`,
    )
    return `{${fields.join()}}`
  }
}

const deep = (depth: number, value: string) => `${'['.repeat(depth)}${value}${']'.repeat(depth)}`

const MANY_KEYS = Array.from({ length: 3_010 }, (_, at) => `"k${at}":${at}`)
const wide = (width: number, value: string) =>
  `{"type":"ping",${MANY_KEYS.slice(0, width).join()},"ref":${value}}`

/** Numbers by chance, the same for the same seed: mulberry32 (Tommy Ettinger). */
class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 … `most` - 1 */
  below(most: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * most)
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }
}
