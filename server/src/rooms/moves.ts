/**
 * How a room's home came to this server, or went: `taken_over` from one that is gone, `received` from one that leaves;
 * `handed_over` by this server as it leaves, `lost` when it finds that it is the home no more.
 */
export const MOVES = ['taken_over', 'received', 'handed_over', 'lost'] as const
export type Move = (typeof MOVES)[number]
