import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto'

/** Tokens that must open no door: forged, confused, expired, of another kind, or cut and glued. */

export interface BadToken {
  what: string
  token: string
}

/** A private Ed25519 key as the balancer keeps it. */
export interface OwnKey {
  kid: string
  x: string
  d: string
}

interface Made {
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
}

/**
 * @param good a token that is let in
 * @param own the key it is signed with: nobody has it, but by it claims alone can be wrong
 * @param nowS seconds since 1970
 */
export function badTokens(good: string, own: OwnKey, nowS: number): BadToken[] {
  const [head = '', payload = '', signature = ''] = good.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  const ownKey = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x: own.x, d: own.d }, format: 'jwk' })
  const publicKey = createPublicKey(ownKey)
  const stranger = generateKeyPairSync('ed25519')
  const strangerJwk = stranger.publicKey.export({ format: 'jwk' })

  const text = (made: Made) => `${part({ ...header, ...made.header })}.${part({ ...claims, ...made.claims })}`
  const signed = (made: Made, key: KeyObject = ownKey) =>
    `${text(made)}.${sign(null, Buffer.from(text(made)), key).toString('base64url')}`
  const maced = (made: Made, alg: string, secret: string | Buffer) => {
    const body = text({ ...made, header: { ...made.header, alg } })
    const hash = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }[alg] ?? 'sha256'
    return `${body}.${createHmac(hash, secret).update(body).digest('base64url')}`
  }

  const list: BadToken[] = []
  const add = (what: string, token: string) => list.push({ what, token })

  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', ' none', null, undefined, 0, false, ['none'], {}]) {
    const body = text({ header: { alg } })
    const named = `alg ${JSON.stringify(alg)}`
    add(`${named}, no signature`, `${body}.`)
    add(`${named}, two parts`, body)
    add(`${named}, the old signature`, `${body}.${signature}`)
  }

  const secrets: [string, string | Buffer][] = [
    ['x', own.x],
    ['the bytes of x', Buffer.from(own.x, 'base64url')],
    ['the public key as PEM', publicKey.export({ format: 'pem', type: 'spki' })],
    ['the public key as DER', publicKey.export({ format: 'der', type: 'spki' })],
    ['the public JWK', JSON.stringify(publicKey.export({ format: 'jwk' }))],
    ['the kid', own.kid],
    ['nothing', ''],
    ['"secret"', 'secret'],
  ]
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    for (const [named, secret] of secrets) {
      add(`${alg} keyed with ${named}`, maced({}, alg, secret))
      add(`${alg} keyed with ${named}, no kid`, maced({ header: { kid: undefined } }, alg, secret))
    }
  }
  for (const alg of [
    'RS256',
    'RS512',
    'PS256',
    'ES256',
    'ES384',
    'ES256K',
    'Ed448',
    'eddsa',
    'EDDSA',
    'HS256',
    'dir',
  ])
    add(`says ${alg}, signed as before`, signed({ header: { alg } }))

  const kids: unknown[] = [
    ...[
      '',
      'other',
      '../../../../dev/null',
      '/dev/null',
      '/proc/self/environ',
      `${own.kid}\0`,
      ` ${own.kid}`,
    ],
    ...[
      own.kid.toUpperCase(),
      "' OR '1'='1",
      "x' UNION SELECT 'key' --",
      '__proto__',
      'constructor',
      'toString',
    ],
    ...['http://127.0.0.1:1/key', '$(id)', '`id`', '| cat /etc/passwd', 'k'.repeat(2_000)],
    ...[null, 0, 1, true, [], [own.kid], {}, { kid: own.kid }],
  ]
  for (const kid of kids) {
    const named = `kid ${JSON.stringify(kid)?.slice(0, 40)}`
    add(`${named}, a stranger's signature`, signed({ header: { kid } }, stranger.privateKey))
    add(`${named}, HS256 keyed with nothing`, maced({ header: { kid } }, 'HS256', ''))
  }
  add('no kid', signed({ header: { kid: undefined } }, stranger.privateKey))

  const bringing: [string, Record<string, unknown>][] = [
    ['jwk', { jwk: strangerJwk }],
    ['jwk of the same kid', { jwk: { ...strangerJwk, kid: own.kid } }],
    ['jku', { jku: 'http://127.0.0.1:1/jwks.json' }],
    ['jku of a file', { jku: 'file:///dev/null' }],
    ['x5u', { x5u: 'http://127.0.0.1:1/cert.pem' }],
    ['x5c', { x5c: [Buffer.alloc(64, 1).toString('base64')] }],
    ['x5t', { x5t: 'AAAA', x5t256: 'AAAA' }],
    ['jwk as a text', { jwk: JSON.stringify(strangerJwk) }],
  ]
  for (const [named, extra] of bringing) {
    add(`brings its own ${named}`, signed({ header: extra }, stranger.privateKey))
    add(
      `brings its own ${named}, no kid`,
      signed({ header: { ...extra, kid: undefined } }, stranger.privateKey),
    )
  }
  for (const crit of [['exp'], ['b64'], ['flotilla'], [], 'exp', [1]])
    add(`crit ${JSON.stringify(crit)}`, signed({ header: { crit, b64: false, flotilla: 1 } }))

  const wrong: Record<string, unknown[]> = {
    iss: [undefined, null, '', 'Flotilla', 'flotilla ', 'evil', ['evil'], 1, {}, true],
    aud: [undefined, null, '', 'Chat', 'chat ', 'link', 'fleet', [], ['link'], 1, {}, true],
    exp: [
      undefined,
      null,
      '',
      nowS - 1,
      nowS - 3_600,
      0,
      -1,
      String(nowS + 600),
      'never',
      [],
      {},
      true,
      [nowS + 600],
    ],
    nbf: [nowS + 600, nowS + 10 ** 6, 'later', null, {}, []],
    iat: ['now', null, {}, []],
    sub: [undefined, null, '', 1, {}, [], true],
    name: [undefined, null, 1, {}, []],
    jti: [undefined, null, '', 1, {}, []],
  }
  for (const [claim, values] of Object.entries(wrong)) {
    for (const value of values)
      add(`${claim} ${JSON.stringify(value)}`, signed({ claims: { [claim]: value } }))
  }
  for (const typ of [
    undefined,
    null,
    '',
    'JWT',
    'jwt',
    'at+JWT ',
    'rt+jwt',
    'refresh+jwt',
    'id+jwt',
    'fleet+jwt',
    'at',
    1,
    ['at+jwt'],
    {},
  ])
    add(`typ ${JSON.stringify(typ)}`, signed({ header: { typ } }))

  for (let at = 0; at < payload.length; at += Math.max(1, Math.floor(payload.length / 30)))
    add(`payload, character ${at} another`, `${head}.${other(payload, at)}.${signature}`)
  for (let at = 0; at < signature.length - 1; at += 4)
    add(`signature, character ${at} another`, `${head}.${payload}.${other(signature, at)}`)
  for (let at = 0; at < head.length; at += 6)
    add(`header, character ${at} another`, `${other(head, at)}.${payload}.${signature}`)
  add(
    'another person, the old signature',
    `${head}.${part({ ...claims, sub: 'user:1', name: 'root' })}.${signature}`,
  )
  add("a stranger's signature", signed({}, stranger.privateKey))

  const bytes = Buffer.from(signature, 'base64url')
  const glued: [string, string][] = [
    ['no signature', `${head}.${payload}.`],
    ['a signature of zeros', `${head}.${payload}.${Buffer.alloc(64).toString('base64url')}`],
    ['half a signature', `${head}.${payload}.${bytes.subarray(0, 32).toString('base64url')}`],
    [
      'a signature and more',
      `${head}.${payload}.${Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url')}`,
    ],
    ['a signature with S + L', `${head}.${payload}.${malleable(bytes).toString('base64url')}`],
    ['a signature with R of small order', `${head}.${payload}.${smallOrder(bytes).toString('base64url')}`],
    ['one part', head],
    ['two parts', `${head}.${payload}`],
    ['four parts', `${good}.${signature}`],
    ['five parts, as if encrypted', `${head}..${payload}.${signature}.${signature}`],
    ['dots', '..'],
    ['nothing at all', ''],
    ['a space', ' '],
    ['the word null', 'null'],
    ['the word undefined', 'undefined'],
    ['in JSON form', JSON.stringify({ payload, protected: head, signature })],
    ['parts exchanged', `${payload}.${head}.${signature}`],
    ['8 KiB of dots', '.'.repeat(8_000)],
    ['8 KiB of a', 'a'.repeat(8_000)],
    ['a large payload', signed({ claims: { more: 'x'.repeat(6_000) } })],
    [
      'deep claims',
      `${head}.${Buffer.from(`${'['.repeat(2_000)}${']'.repeat(2_000)}`).toString('base64url')}.${signature}`,
    ],
    ['claims that are no object', `${head}.${Buffer.from('"text"').toString('base64url')}.${signature}`],
    [
      'claims with __proto__',
      `${head}.${Buffer.from('{"__proto__":{"sub":"user:1"}}').toString('base64url')}.${signature}`,
    ],
    [
      'base64 with padding',
      `${Buffer.from(JSON.stringify(header)).toString('base64')}=.${payload}.${signature}`,
    ],
  ]
  for (const [what, token] of glued) add(what, token)
  return list
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** One character another, so that some bit of every decoded byte it covers differs. */
function other(text: string, at: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const changed = alphabet[(alphabet.indexOf(text[at] ?? 'A') + 32) % 64] ?? 'A'
  return text.slice(0, at) + changed + text.slice(at + 1)
}

/** Order of the group of Ed25519 (RFC 8032, section 5.1). */
const L = 2n ** 252n + 27742317777372353535851937790883648493n

/** The same signature with S + L, which RFC 8032 (5.1.7) says is none. */
function malleable(signature: Buffer): Buffer {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + L
  const bytes = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()
  return Buffer.concat([signature.subarray(0, 32), bytes.subarray(0, 32)])
}

/** R = the neutral element, S = 0: good for any message where the key is of small order, too. */
function smallOrder(signature: Buffer): Buffer {
  const bytes = Buffer.alloc(signature.length)
  bytes[0] = 1
  return bytes
}
