/** A text cut into what is shown as it is, what can be clicked, and the reader's own name. Joined, it is the text again. */
export interface TextPart {
  readonly kind: 'text' | 'link' | 'mention'
  readonly text: string
}

/** Only these two schemes, spelled out: `javascript:` and the rest stay text. */
const LINK = /\bhttps?:\/\/[^\s<>"'`\u{7f}-\u{9f}\u{200b}-\u{200f}\u{2028}-\u{202f}\u{2066}-\u{2069}]+/giu
/** A longer address is shown as text: nobody reads it, and a hostile one costs time. */
const MAX_LINK = 2_000

/** Finds addresses and, as a whole word in any case, `name`. */
export function cutText(text: string, name: string): TextPart[] {
  const parts: TextPart[] = []
  let from = 0
  for (const match of text.matchAll(LINK)) {
    const link = withoutTail(match[0])
    if (link.length > MAX_LINK || !isAddress(link)) continue
    cutMentions(text.slice(from, match.index), name, parts)
    parts.push({ kind: 'link', text: link })
    from = match.index + link.length
  }
  cutMentions(text.slice(from), name, parts)
  return parts
}

/** Whether `text` names its reader. */
export function mentions(text: string, name: string): boolean {
  return cutText(text, name).some(({ kind }) => kind === 'mention')
}

function cutMentions(text: string, name: string, parts: TextPart[]): void {
  const lowered = text.toLowerCase()
  const sought = name.toLowerCase()
  // Where lower case changes the length, positions no longer match: such texts go without mentions.
  if (sought === '' || lowered.length !== text.length) return pushText(text, parts)
  let from = 0
  for (let at = lowered.indexOf(sought); at !== -1; at = lowered.indexOf(sought, at + sought.length)) {
    const end = at + sought.length
    if (isWordLike(text.slice(0, at), /[\p{L}\p{N}_]$/u) || isWordLike(text.slice(end), /^[\p{L}\p{N}_]/u))
      continue
    const start = text[at - 1] === '@' ? at - 1 : at
    pushText(text.slice(from, start), parts)
    parts.push({ kind: 'mention', text: text.slice(start, end) })
    from = end
  }
  pushText(text.slice(from), parts)
}

/** Two characters are enough to see a surrogate pair. */
function isWordLike(side: string, pattern: RegExp): boolean {
  return pattern.test(pattern.source.startsWith('^') ? side.slice(0, 2) : side.slice(-2))
}

function pushText(text: string, parts: TextPart[]): void {
  if (text !== '') parts.push({ kind: 'text', text })
}

/** Punctuation after an address belongs to the sentence; a closing bracket too, unless it was opened inside. */
function withoutTail(link: string): string {
  let end = link.length
  while (end > 0) {
    const last = link[end - 1] ?? ''
    const opening = { ')': '(', ']': '[', '}': '{' }[last]
    if (opening) {
      const inside = link.slice(0, end)
      if (inside.split(opening).length >= inside.split(last).length) break
    } else if (!/[.,:;!?*_~]/.test(last)) break
    end -= 1
  }
  return link.slice(0, end)
}

function isAddress(link: string): boolean {
  const url = URL.canParse(link) ? new URL(link) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== ''
}
