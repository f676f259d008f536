/** A whole number from `least` up, as a query spells it; undefined: it is none. */
export function wholeNumber(text: string, least: number): number | undefined {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  return value >= least ? value : undefined
}
