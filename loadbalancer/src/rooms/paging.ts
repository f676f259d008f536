import { refused, type Refused } from '../http/problem.ts'

/** A whole number from `least` up, as a query spells it; undefined: it is none. */
export function wholeNumber(text: string, least: number): number | undefined {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  return value >= least ? value : undefined
}

/** Lists that are read from the newest on, a page at a time. */
export const BEFORE = { before: 'The `next` of the page before.' }

/** What the next page begins below, as a query says it. */
export function beforeIn(query: URLSearchParams): { before: number | undefined } | Refused {
  const text = query.get('before')
  const before = text === null ? undefined : wholeNumber(text, 1)
  if (text !== null && before === undefined)
    return refused('bad_request', '`before` is a whole number from 1.')
  return { before }
}

/** `last`: the number of the last row of a page; 1 is the number of the first there is. */
export function nextOf(rows: readonly unknown[], perPage: number, last: number | undefined) {
  return rows.length < perPage || last === undefined || last === 1 ? {} : { next: last }
}
