import type { Seq } from '@flotilla/protocol/frames.ts'
import { isSame, type Journal, type Seen, type Sent, type StoredFile, type Witness } from './journal.ts'

export interface Rules {
  /** `log`: the room has our texts in the log's order. `sender`: only each sender's own are in order. */
  order: 'log' | 'sender'
  /** Whether the room may hold entries that are not ours. */
  strangers: boolean
}

/** Each difference is a sentence for people; only the first of a kind and place is told. */
export function verify(journal: Journal, rules: Rules): string[] {
  const differences: string[] = []
  const room = agreeOn(journal.witnesses, differences)
  checkTexts(journal.sent, room, rules, differences)
  checkAcks(journal, room, differences)
  for (const { id, code } of journal.refusals) {
    differences.push(`${nameOfSend(journal.sent, id)} was refused: ${code}`)
  }
  if (journal.files) checkFiles(journal.files, room, differences)
  return differences
}

/**
 * Every witness saw a row of entries without gap, up to the same head, with the same content at the same place.
 * @returns the room's log as seen, by seq
 */
function agreeOn(witnesses: readonly Witness[], differences: string[]): Map<Seq, Seen> {
  const room = new Map<Seq, Seen>()
  for (const { seen } of witnesses) {
    for (const each of seen) if (!room.has(each.seq)) room.set(each.seq, each)
  }
  let head = 0
  for (const seq of room.keys()) head = Math.max(head, seq)
  for (const { name, seen, resets } of witnesses) {
    if (resets > 0) differences.push(`${name} was told ${resets} times to drop what it had`)
    const first = seen[0]?.seq
    if (first === undefined) {
      if (head > 0) differences.push(`${name} saw nothing`)
      continue
    }
    const gap = seen.findIndex((each, i) => each.seq !== first + i)
    if (gap >= 0) differences.push(`${name} saw ${seen[gap]?.seq} after ${seen[gap - 1]?.seq}`)
    const last = seen.at(-1)?.seq
    if (last !== head) differences.push(`${name} saw up to ${last}, others up to ${head}`)
    for (const each of seen) {
      const others = room.get(each.seq)
      if (!others || isSame(each, others)) continue
      differences.push(`${name} saw ${show(each)}, others ${show(others)}`)
      break
    }
  }
  return room
}

/** What was sent is in the room once, with name and text as in the log, in the order the rules ask for. */
function checkTexts(
  sent: readonly Sent[],
  room: ReadonlyMap<Seq, Seen>,
  rules: Rules,
  differences: string[],
): void {
  const ours = new Map(sent.map((each, at) => [each.id, { ...each, at }]))
  const found = new Set<string>()
  const lastOf = new Map<string, number>()
  let isOrderTold = false
  for (const seen of [...room.values()].sort((a, b) => a.seq - b.seq)) {
    const send = ours.get(seen.id)
    if (!send) {
      if (!rules.strangers) differences.push(`nobody sent ${show(seen)}`)
      continue
    }
    if (found.has(seen.id)) differences.push(`line ${send.line} is in the room twice, again as ${show(seen)}`)
    found.add(seen.id)
    if (seen.text !== send.text || seen.name !== send.name) {
      differences.push(
        `line ${send.line} is ${JSON.stringify([send.name, send.text])}, but in the room ${show(seen)}`,
      )
    }
    const key = rules.order === 'log' ? '' : send.name
    const last = lastOf.get(key) ?? -1
    if (send.at < last && !isOrderTold) {
      differences.push(`line ${send.line} comes after line ${sent[last]?.line} in the room (${show(seen)})`)
      isOrderTold = true
    }
    lastOf.set(key, Math.max(last, send.at))
  }
  const missing = sent.filter((each) => !found.has(each.id))
  if (missing[0]) {
    differences.push(
      `${missing.length} of ${sent.length} lines are not in the room, first line ${missing[0].line}`,
    )
  }
}

/** Every send was acked, always with the seq at which it stands. */
function checkAcks(journal: Journal, room: ReadonlyMap<Seq, Seen>, differences: string[]): void {
  const acked = new Set<string>()
  for (const { id, seq } of journal.acks) {
    acked.add(id)
    const seen = room.get(seq)
    if (seen?.id === id) continue
    const there = seen ? show(seen) : 'nothing'
    differences.push(`${nameOfSend(journal.sent, id)} was acked as ${seq}, but there stands ${there}`)
  }
  const unacked = journal.sent.filter((each) => !acked.has(each.id))
  if (unacked[0]) {
    differences.push(
      `${unacked.length} of ${journal.sent.length} lines were not acked, first line ${unacked[0].line}`,
    )
  }
}

/** One file holds the room's log as a whole, and no file holds anything else of it. */
function checkFiles(files: readonly StoredFile[], room: ReadonlyMap<Seq, Seen>, differences: string[]): void {
  for (const { file, rows } of files) {
    const wrong = rows.find((row) => {
      const seen = room.get(row.seq)
      return !seen || !isSame(row, seen)
    })
    if (wrong) {
      const seen = room.get(wrong.seq)
      differences.push(`${file} has ${show(wrong)}, members saw ${seen ? show(seen) : 'nothing'} there`)
    }
  }
  const fullest = files.reduce<StoredFile | undefined>(
    (best, file) => (best && best.rows.length >= file.rows.length ? best : file),
    undefined,
  )
  const stored = new Set(fullest?.rows.map((row) => row.seq))
  const missing = [...room.keys()].filter((seq) => !stored.has(seq)).sort((a, b) => a - b)
  if (missing[0] !== undefined) {
    differences.push(
      `${missing.length} of ${room.size} entries are not in ${fullest?.file ?? 'any file'}, first ${missing[0]}`,
    )
  }
}

function nameOfSend(sent: readonly Sent[], id: string): string {
  const line = sent.find((each) => each.id === id)?.line
  return line === undefined ? `a send that is not ours (${id})` : `line ${line}`
}

function show(seen: Seen): string {
  const text = seen.text === undefined ? 'no message' : JSON.stringify(shorten(seen.text))
  return `${seen.seq}: ${seen.name} ${text} (${seen.id})`
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
