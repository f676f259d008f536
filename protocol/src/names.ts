import unhomoglyph from 'unhomoglyph'

/**
 * Which names are the same, and which look the same. Two spellings of a name share its key; two names that a reader may take for
 * one another share a mark. Marks are the skeletons of UTS #39 (Unicode Security Mechanisms, section 4), by the confusables
 * that Unicode publishes.
 */

/** What takes the place of the name of an account that is gone; no account can have it. */
export const DELETED_NAME = 'deleted user'

/** Equal for names that are the same but for case and for how their characters are written (NFKC). */
export function nameKey(name: string): string {
  // Twice, as the case of one character may fold to several that compose again.
  return fold(fold(name.normalize('NFKC')))
}

/**
 * What a name looks like, at most two: as it is written, and without case, since `I` looks like `l`, and `i` does not.
 * Names that share one of them are look-alikes.
 */
export function nameMarks(name: string): string[] {
  const key = nameKey(name)
  return [...new Set([skeleton(name), skeleton(key)])]
}

export function looksLike(name: string, other: string): boolean {
  const marks = nameMarks(other)
  return nameMarks(name).some((mark) => marks.includes(mark))
}

function skeleton(name: string): string {
  // What nobody sees goes first: it could keep apart what looks the same.
  const visible = name.normalize('NFKD').replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
  const plain = unhomoglyph(visible).normalize('NFKD')
  // A confusable may only be one in lower case, or become one by it: again, until nothing changes.
  const folded = unhomoglyph(fold(plain)).normalize('NFKD').toLowerCase()
  return folded.replaceAll(/\s+/gu, ' ')
}

function fold(text: string): string {
  // Upper case first: it joins what lower case alone keeps apart (ß and ss, ς and σ).
  return text.toUpperCase().toLowerCase().normalize('NFKC')
}
