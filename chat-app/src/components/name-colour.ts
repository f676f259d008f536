/** Hues apart enough to be told from each other; which one a name gets never changes. */
const HUES = [12, 38, 62, 88, 125, 150, 172, 196, 220, 246, 270, 294, 318, 342] as const

/** The hue of a name, in degrees of oklch; lightness and chroma are the theme's (`--avatar-…`, `--author` in index.css). */
export function hueOf(name: string): number {
  let hash = 2_166_136_261 // FNV-1a: spreads names that differ in one letter
  for (const char of name.normalize('NFC').toLowerCase())
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619)
  hash ^= hash >>> 15 // its low bits alone are weak
  return HUES[(hash >>> 0) % HUES.length] ?? HUES[0]
}

export const ALL_HUES: readonly number[] = HUES

/** One or two letters that stand for a name: of its first two words, else of its start. */
export function initialsOf(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? []
  const letters = words.length > 1 ? words.slice(0, 2).map(firstOf) : [firstOf(words[0] ?? name)]
  return letters.join('').toUpperCase()
}

function firstOf(word: string): string {
  return [...word][0] ?? ''
}
