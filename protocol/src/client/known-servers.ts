/** Lists of servers a client may connect to, by their URLs. */

const MAX_KNOWN = 16

/** What a balancer chose, unless it is to be shunned and there is another. */
export function elsewhere(
  chosen: { url: string; alternatives: readonly string[] },
  isShunned: (url: string) => boolean,
  random: () => number,
): string {
  if (!isShunned(chosen.url)) return chosen.url
  const others = chosen.alternatives.filter((url) => !isShunned(url))
  return others[Math.floor(random() * others.length)] ?? chosen.url
}

/** Each once, the first ones first; 16 at most. */
export function merge(first: readonly string[], then: readonly string[]): string[] {
  return [...new Set([...first, ...then])].slice(0, MAX_KNOWN)
}

/** In random order: the list is the same for everybody, and all of them may need it at the same moment. */
export function shuffled(urls: readonly string[], random: () => number): string[] {
  const out = [...urls]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}
