/** Cookies of the balancer: none of them for scripts, none sent along by a page of another site. */

export interface CookieJar {
  /** The value of a cookie of the request; undefined if there is none. */
  read: (header: string | undefined, name: string) => string | undefined
  /** A `set-cookie` header. */
  set: (name: string, value: string, maxAgeMs: number) => string
  /** One that makes the browser forget it. */
  clear: (name: string) => string
}

/** `isHttps`: browsers reach us by TLS, and send them by nothing else. */
export function cookieJar(isHttps: boolean): CookieJar {
  const rules = `Path=/api; HttpOnly; SameSite=Strict${isHttps ? '; Secure' : ''}`
  const set = (name: string, value: string, maxAgeMs: number) =>
    `${name}=${value}; Max-Age=${Math.floor(maxAgeMs / 1_000)}; ${rules}`
  return { read: readCookie, set, clear: (name) => set(name, '', 0) }
}

/** Of several of one name, the first: browsers send that of the longest path first. */
function readCookie(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const at = part.indexOf('=')
    if (at >= 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim()
  }
  return undefined
}
