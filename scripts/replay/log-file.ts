/** One line of an IRC log that somebody said. */
export interface LogLine {
  /** Its number in the file, from 1. */
  line: number
  nick: string
  /** Byte for byte what stands after `<nick> `, or after `* nick ` of an action. */
  text: string
  /** Minutes since the midnight before the log's first line, from its `[hh:mm]`; never falls. */
  minute: number
}

/** What became of the other lines, counted. */
export interface Skipped {
  /** Nothing but white space is said. */
  blank: number
  /** Longer than a message may be. */
  tooLong: number
  /** `=== …`: joins, parts, modes; renames among them. */
  service: number
  renames: number
  /** Neither said by anyone nor a service line. */
  unknown: number
}

export interface ChatLog {
  lines: LogLine[]
  skipped: Skipped
  actions: number
  /** Lines that were not UTF-8, read as Windows-1252. */
  notUtf8: number
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SAID = /^\[(\d\d):(\d\d)[^\]]*\] {1,2}(?:<([^>]+)> |(\*) (\S+) )(.*)$/s
/** Somebody who says nothing at all: some logs leave out the space behind the nick then. */
const SAID_NOTHING = /^\[\d\d:\d\d[^\]]*\] {1,2}(?:<[^>]+>|\* \S+)$/
const MINUTES_PER_DAY = 24 * 60

/**
 * Reads a log of the form `[hh:mm] <nick> text`, `[hh:mm] * nick action`, `=== service line`. Each line is read as
 * UTF-8, one that is not as Windows-1252, as IRC clients do. Texts stay as they are.
 */
export function parseLog(bytes: Uint8Array, maxTextChars: number): ChatLog {
  const log: ChatLog = {
    lines: [],
    skipped: { blank: 0, tooLong: 0, service: 0, renames: 0, unknown: 0 },
    actions: 0,
    notUtf8: 0,
  }
  const { skipped } = log
  let day = 0
  let number = 0
  for (const line of splitBytes(bytes)) {
    number += 1
    const { text: whole, isUtf8 } = decode(line)
    if (whole.startsWith('===')) {
      skipped.service += 1
      if (/ is now known as \S+$/.test(whole)) skipped.renames += 1
      continue
    }
    const match = SAID.exec(whole)
    if (!match) {
      if (SAID_NOTHING.test(whole)) skipped.blank += 1
      else if (whole !== '') skipped.unknown += 1
      continue
    }
    const [, hours, minutes, speaker, star, actor, text = ''] = match
    const last = log.lines.at(-1)?.minute ?? 0
    let minute = Number(hours) * 60 + Number(minutes) + day
    if (minute < last) {
      // Clocks of logs are set back a little now and then; by hours only past midnight.
      if (last - minute > MINUTES_PER_DAY / 2) day += MINUTES_PER_DAY
      minute = Math.max(last, Number(hours) * 60 + Number(minutes) + day)
    }
    if (text.trim() === '') skipped.blank += 1
    else if (text.length > maxTextChars) skipped.tooLong += 1
    else {
      if (star) log.actions += 1
      if (!isUtf8) log.notUtf8 += 1
      log.lines.push({ line: number, nick: speaker ?? actor ?? '', text, minute })
    }
  }
  return log
}

/** At line feeds only: what else Unicode calls a line break may be part of a text. A byte order mark at the start goes. */
function* splitBytes(bytes: Uint8Array): Generator<Uint8Array> {
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  while (start < bytes.length) {
    const found = bytes.indexOf(LINE_FEED, start)
    const end = found < 0 ? bytes.length : found
    yield bytes.subarray(start, bytes[end - 1] === CARRIAGE_RETURN ? Math.max(start, end - 1) : end)
    start = end + 1
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const windows1252 = new TextDecoder('windows-1252')

function decode(line: Uint8Array): { text: string; isUtf8: boolean } {
  try {
    return { text: utf8.decode(line), isUtf8: true }
  } catch {
    return { text: windows1252.decode(line), isUtf8: false }
  }
}
